// One call to Redis, tried until there is a definite answer or the deadline: the network behind every promise.

import { reasonOf } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { readFailure } from "./failure.ts";
import type { Client } from "./script.ts";

export type Call<T> =
  /** `mayHaveRun`: a try before the one that was answered got no answer. */
  | { readonly kind: "replied"; readonly reply: T; readonly mayHaveRun: boolean }
  /** `mayHaveRun`: at least one try got no answer, so it may have been done, or may be done a little later. */
  | { readonly kind: "failed"; readonly mayHaveRun: boolean; readonly reason: string };

interface Pending {
  look(now: number): void;
  close(): void;
}

/** A try without an answer for so long is given up, and its connection with it: TCP may not notice for minutes. */
const TRY_MS = 2_000;
/** How late that, or a deadline, may be noticed: one timer looks at all calls, for one of its own costs each of them. */
const LOOK_MS = 20;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/**
 * Tries a call again while there is time. Only for calls that recognise their own repetition: commits, by their ids,
 * and reads.
 */
export class Caller {
  readonly #client: Client;
  readonly #clock: Clock;
  /**
   * A list and not a Set: a Set's table that was outgrown points to the one after it, and once it is old keeps all of
   * them, and the calls in them, from the collector of young objects. Measured: 8 MB survived each of its runs, for 5 ms.
   */
  readonly #pending: Pending[] = [];
  #looking: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Always settles, with a value, when the deadline (monotonic ms) has passed. */
  call<T>(run: (client: Client) => Promise<T>, deadline: number): Promise<Call<T>> {
    return new Promise((resolve) => {
      const attempts = new Attempts(this.#client, this.#clock, run, deadline, (call: Call<T>) => {
        this.#forget(attempts);
        resolve(call);
      });
      if (this.#closed) {
        attempts.close();
        return;
      }
      this.#pending.push(attempts);
      this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
      attempts.next();
    });
  }

  /** There are as many as there are lanes: few. */
  #forget(attempts: Pending): void {
    const place = this.#pending.indexOf(attempts);
    if (place >= 0) this.#pending.splice(place, 1);
  }

  #look(): void {
    const now = this.#clock.monotonicMs();
    for (const attempts of [...this.#pending]) attempts.look(now); // a copy: one that ends takes itself out
    if (this.#pending.length > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  /** Ends every call, and the connection. */
  close(): void {
    this.#closed = true;
    this.#client.disconnect();
    for (const attempts of [...this.#pending]) attempts.close();
    clearInterval(this.#looking);
  }
}

/** Lines that were given up and have not ended yet. */
const ending = new WeakSet<Client>();

/**
 * Of a cluster's lines none: that to a silent master ends by its own `socketTimeout`. A line is given up once, however many
 * calls it owes an answer: each time ioredis begins to listen for its end, and Node warns of the eleventh listener.
 */
function giveUp(client: Client): void {
  if (client.isCluster || client.status !== "ready" || ending.has(client)) return;
  ending.add(client);
  client.once("close", () => ending.delete(client));
  client.disconnect(true);
}

/** The tries of one call. Callbacks and not async functions: on the way of every commit each await is time. */
class Attempts<T> {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #run: (client: Client) => Promise<T>;
  readonly #deadline: number;
  readonly #done: (call: Call<T>) => void;
  #tries = 0;
  /** Whether a try is under way; its number is `#tries`. */
  #asking = false;
  #mayHaveRun = false;
  #over = false;
  #reason = "there was no time left to ask Redis";
  /** Until when the try under way may be silent, monotonic ms. */
  #silentAt = 0;
  #pausing: NodeJS.Timeout | undefined;
  readonly #wake = (): void => this.next();

  constructor(
    client: Client,
    clock: Clock,
    run: (client: Client) => Promise<T>,
    deadline: number,
    done: (call: Call<T>) => void,
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#run = run;
    this.#deadline = deadline;
    this.#done = done;
  }

  /** Called now and then while the call is pending. */
  look(now: number): void {
    if (now >= this.#deadline) this.#fail();
    else if (this.#asking && now >= this.#silentAt) this.#silent();
  }

  next(): void {
    this.#endPause();
    const left = this.#deadline - this.#clock.monotonicMs();
    if (left <= 0) {
      this.#fail();
    } else if (this.#client.status === "ready") {
      this.#try();
    } else {
      this.#reason = "there is no connection to Redis";
      this.#pause(left);
    }
  }

  close(): void {
    this.#reason = "this node has closed its connections";
    this.#fail();
  }

  #try(): void {
    this.#tries += 1;
    this.#asking = true;
    const number = this.#tries;
    // Whoever has less time gives up by itself: the line, which others use too, is given up only for its silence.
    this.#silentAt = this.#clock.monotonicMs() + TRY_MS;
    this.#ask().then(
      // An answer is an answer, also to a try that was given up for its silence.
      (reply) => this.#finish({ kind: "replied", reply, mayHaveRun: this.#mayHaveRun }),
      (thrown: unknown) => {
        if (this.#asking && number === this.#tries) this.#failed(thrown);
      },
    );
  }

  /** What throws before it has asked (a call too large to be put into words) has not asked. */
  #ask(): Promise<T> {
    try {
      return this.#run(this.#client);
    } catch (thrown) {
      this.#asking = false;
      this.#reason = reasonOf(thrown);
      this.#fail();
      return new Promise(() => {});
    }
  }

  /**
   * Frozen, or behind a cut line: a fresh connection is the only way to learn more. Of a cluster's connections only that to
   * the silent master is given up, by its own `socketTimeout`: the others have their calls under way.
   */
  #silent(): void {
    this.#asking = false;
    this.#mayHaveRun = true;
    this.#reason = "Redis was asked and did not answer";
    giveUp(this.#client);
    this.next();
  }

  #failed(thrown: unknown): void {
    this.#asking = false;
    const failure = readFailure(thrown);
    this.#reason = failure.reason;
    if (failure.kind === "ambiguous") this.#mayHaveRun = true;
    if (failure.kind === "refused") this.#fail();
    else this.#pause(this.#deadline - this.#clock.monotonicMs());
  }

  /** Back-off with jitter; cut short by a connection that becomes ready, and by the deadline. */
  #pause(left: number): void {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#tries, 10), LONGEST_PAUSE_MS);
    this.#pausing = setTimeout(this.#wake, Math.max(0, Math.min(longest * (0.5 + Math.random() / 2), left)));
    this.#client.once("ready", this.#wake);
  }

  #fail(): void {
    this.#finish({ kind: "failed", mayHaveRun: this.#mayHaveRun || this.#asking, reason: this.#reason });
  }

  #finish(call: Call<T>): void {
    if (this.#over) return;
    this.#over = true;
    this.#asking = false;
    this.#endPause();
    this.#done(call);
  }

  #endPause(): void {
    if (this.#pausing === undefined) return;
    clearTimeout(this.#pausing);
    this.#pausing = undefined;
    this.#client.off("ready", this.#wake);
  }
}
