// One call to Redis, tried until there is a definite answer or the deadline: the network behind every promise.

import type { Clock } from "../ports/clock.ts";
import { type Failure, readFailure } from "./failure.ts";
import type { Client } from "./script.ts";

export type Call<T> =
  | { readonly kind: "replied"; readonly reply: T }
  /** `mayHaveRun`: at least one try got no answer, so it may have been done, or may be done a little later. */
  | { readonly kind: "failed"; readonly mayHaveRun: boolean; readonly reason: string };

/** A try without an answer for so long is given up, and its connection with it: TCP may not notice for minutes. */
const TRY_MS = 2_000;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

/**
 * Tries a call again while there is time. Only for calls that recognise their own repetition: commits, by their ids,
 * and reads.
 */
export class Caller {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #closing = new AbortController();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async call<T>(run: (client: Client) => Promise<T>, deadline: number): Promise<Call<T>> {
    let mayHaveRun = false;
    let reason = "there was no time left to ask Redis";
    for (let tries = 0; ; tries++) {
      const left = deadline - this.#clock.monotonicMs();
      if (left <= 0 || this.#closing.signal.aborted) return { kind: "failed", mayHaveRun, reason };
      if (this.#client.status === "ready") {
        const tried = await this.#try(run, Math.min(left, TRY_MS));
        if (tried.kind === "replied") return tried;
        reason = tried.reason;
        if (tried.kind === "ambiguous") mayHaveRun = true;
        if (tried.kind === "refused") return { kind: "failed", mayHaveRun, reason };
      } else {
        reason = "there is no connection to Redis";
      }
      await this.#pause(tries, deadline);
    }
  }

  /** Ends every call at its next step, and the connection. */
  close(): void {
    this.#closing.abort();
    this.#client.disconnect();
  }

  async #try<T>(
    run: (client: Client) => Promise<T>,
    ms: number,
  ): Promise<{ kind: "replied"; reply: T } | Failure> {
    const timer = new Timer<Failure>(ms, {
      kind: "ambiguous",
      reason: `Redis did not answer within ${Math.ceil(ms)} ms`,
    });
    try {
      const won = await Promise.race([this.#run(run), timer.elapsed]);
      // Frozen, or behind a cut line: a fresh connection is the only way to learn more.
      if (timer.fired) this.#client.disconnect(true);
      return won;
    } finally {
      timer.clear();
    }
  }

  async #run<T>(run: (client: Client) => Promise<T>): Promise<{ kind: "replied"; reply: T } | Failure> {
    try {
      return { kind: "replied", reply: await run(this.#client) };
    } catch (thrown) {
      return readFailure(thrown);
    }
  }

  /** Back-off with full jitter; cut short by a connection that becomes ready, by the deadline, and by close(). */
  async #pause(tries: number, deadline: number): Promise<void> {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
    const timer = new Timer<void>(
      Math.min(longest, Math.max(0, deadline - this.#clock.monotonicMs())),
      undefined,
    );
    const stop = () => timer.finish();
    this.#client.once("ready", stop);
    this.#closing.signal.addEventListener("abort", stop, { once: true });
    await timer.elapsed;
    this.#client.off("ready", stop);
    this.#closing.signal.removeEventListener("abort", stop);
  }
}

/** A time-out that can be called off, or ended early. */
class Timer<T> {
  readonly elapsed: Promise<T>;
  fired = false;
  readonly #finish: () => void;
  readonly #handle: NodeJS.Timeout;

  constructor(ms: number, value: T) {
    const { promise, resolve } = Promise.withResolvers<T>();
    this.elapsed = promise;
    this.#finish = () => resolve(value);
    this.#handle = setTimeout(() => {
      this.fired = true;
      resolve(value);
    }, ms);
  }

  finish(): void {
    this.clear();
    this.#finish();
  }

  clear(): void {
    clearTimeout(this.#handle);
  }
}
