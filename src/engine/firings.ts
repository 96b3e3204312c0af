// Timers on their way: each is sent as a message, and its end decides what becomes of it. Handled, rejected or gone: the
// commit has dealt with it. The handler failed: it is put off, and parked after a number of tries. It could not be handled
// now (a full mailbox, no owner, no store): that is nobody's failure, and it is tried again.

import { type ErrorCode, PachydermError, reasonOf } from "../core/errors.ts";
import type { Reference } from "../core/reference.ts";
import type { SignalPayloads } from "../core/signals.ts";
import type { Firing } from "../core/timer.ts";
import type { Clock } from "../ports/clock.ts";
import type { DueTimer, Fate, StoredTimer, Timers } from "../ports/timers.ts";
import type { Sender } from "./envelope.ts";

/** Sends what a timer says. @throws what is said before the mailbox, and whatever reading the message throws */
export type Launch = (reference: Reference, message: string, firing: Firing, sender: Sender) => void;

export interface FiringsParts {
  readonly timers: Timers;
  readonly clock: Clock;
  readonly launch: Launch;
  readonly failed: (payload: SignalPayloads["timer-failed"]) => void;
  /** One is not on its way any more; `lookIn`: milliseconds until it is due again, null where the store knows more. */
  readonly ended: (partition: number, lookIn: number | null) => void;
}

/** Failures until a timer is parked. */
export const MOST_TRIES = 8;
/** The pause after the first one, doubled after each: 250 ms, 500 ms, ... 16 s, half a minute in all. */
const FIRST_PAUSE_MS = 250;
/** What nobody can handle now is tried again after so long. */
const REST_MS = 250;
/** As long as it is not later than this, in memory: beside an unclustered node that does not host a type there may be one
 * that does, and it must find the timer due. What is later makes room for others: it is put off in the store. */
const REST_UNTIL_MS = 2_000;
const PUT_OFF_MS = 1_000;
/** A call to the store may take so long. */
const CALL_MS = 5_000;

/** Whoever sees these may try for ever: the same code on the same state fails again. */
const FAILURES: ReadonlySet<ErrorCode> = new Set([
  "HANDLER_FAILED",
  "INVALID_MESSAGE",
  "INVALID_REFERENCE",
  "TOO_LARGE",
  "WRONG_TYPE",
  "DESTROYED",
  "UNREADABLE_EVENT",
]);

/** One on its way. */
interface Flight {
  readonly partition: number;
  readonly reference: Reference;
  readonly firing: Firing;
  readonly timer: StoredTimer;
  resting: NodeJS.Timeout | null;
}

export class Firings {
  readonly #parts: FiringsParts;
  readonly #flights = new Map<string, Flight>();
  readonly #counts = new Map<number, number>();
  readonly #quiet = new Map<number, () => void>();

  constructor(parts: FiringsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#flights.size;
  }

  of(partition: number): number {
    return this.#counts.get(partition) ?? 0;
  }

  /** @param now the store's time when it was read, epoch ms */
  fire(partition: number, { id, name, timer }: DueTimer, now: number): void {
    if (timer === null) {
      void this.#ignore(partition, id, name);
      return;
    }
    const { generation, dueAt, everyMs: every, type } = timer;
    const key = `${id} ${generation} ${dueAt} ${name}`;
    if (this.#flights.has(key)) return;
    const lateMs = Math.max(0, now - dueAt);
    const missed = every === null ? 0 : Math.floor(lateMs / every);
    const firing = { name, generation, dueAt, lateMs, missed, every };
    const flight: Flight = { partition, reference: { type, id }, firing, timer, resting: null };
    this.#flights.set(key, flight);
    this.#counts.set(partition, this.of(partition) + 1);
    const sender: Sender = {
      resolve: () => this.#end(key, flight, null),
      reject: (error) => void this.#failed(key, flight, error),
    };
    try {
      this.#parts.launch(flight.reference, timer.message, firing, sender);
    } catch (thrown) {
      void this.#failed(key, flight, errorOf(thrown));
    }
  }

  /** Resolves when nothing of the partition is on its way, or when the deadline (monotonic ms) has passed. */
  async quiet(partition: number, deadline: number): Promise<void> {
    for (const [key, flight] of this.#flights) {
      if (flight.partition === partition && flight.resting !== null) this.#end(key, flight, null);
    }
    if (this.of(partition) === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#quiet.set(partition, resolve);
    const timer = setTimeout(resolve, Math.max(0, deadline - this.#parts.clock.monotonicMs()));
    await promise;
    clearTimeout(timer);
    this.#quiet.delete(partition);
  }

  #end(key: string, flight: Flight, lookIn: number | null): void {
    if (!this.#flights.delete(key)) return;
    const { partition, resting } = flight;
    if (resting !== null) clearTimeout(resting);
    const left = this.of(partition) - 1;
    if (left > 0) this.#counts.set(partition, left);
    else this.#counts.delete(partition);
    if (left === 0) this.#quiet.get(partition)?.();
    this.#parts.ended(partition, lookIn);
  }

  async #failed(key: string, flight: Flight, error: PachydermError): Promise<void> {
    if (error.code === "REJECTED") this.#end(key, flight, null);
    else if (FAILURES.has(error.code)) await this.#again(key, flight, error);
    else if (flight.firing.lateMs < REST_UNTIL_MS) this.#rest(key, flight);
    else {
      const later: Fate = { kind: "later", ms: PUT_OFF_MS, tries: flight.timer.tries };
      await this.#setAside(key, flight, later);
    }
  }

  /** The handler's failure: counted, and told of. */
  async #again(key: string, flight: Flight, error: PachydermError): Promise<void> {
    const tries = flight.timer.tries + 1;
    const parked = tries >= MOST_TRIES;
    const fate: Fate = parked
      ? { kind: "parked", reason: `${error.code}: ${error.message}`, tries }
      : { kind: "later", ms: FIRST_PAUSE_MS * 2 ** (tries - 1), tries };
    if (!(await this.#setAside(key, flight, fate))) return;
    const { reference, firing } = flight;
    const { name, dueAt } = firing;
    this.#parts.failed({ reference, name, dueAt, attempt: tries, parked, error });
  }

  /** Whether it was done: a timer that was handled, set anew or cancelled meanwhile has not failed. */
  async #setAside(key: string, flight: Flight, fate: Fate): Promise<boolean> {
    const { partition, reference, firing } = flight;
    const deadline = this.#parts.clock.monotonicMs() + CALL_MS;
    const entity = { id: reference.id, partition };
    const done = await this.#parts.timers.setAside(entity, firing, fate, deadline);
    if (done.kind === "unavailable") this.#rest(key, flight);
    else this.#end(key, flight, fate.kind === "later" ? fate.ms : null);
    return done.kind === "done";
  }

  /** It stays due in the store, and is fired again when it is read again: not before so long. */
  #rest(key: string, flight: Flight): void {
    if (this.#quiet.has(flight.partition)) {
      this.#end(key, flight, null);
      return;
    }
    flight.resting = setTimeout(() => this.#end(key, flight, 0), REST_MS);
    flight.resting.unref();
  }

  /** What is stored there is no timer, and would be read again for ever. */
  async #ignore(partition: number, id: string, name: string): Promise<void> {
    const deadline = this.#parts.clock.monotonicMs() + CALL_MS;
    const done = await this.#parts.timers.ignore({ id, partition }, name, deadline);
    if (done.kind !== "done") return;
    const error = new PachydermError("UNREADABLE_EVENT", `the timer ${name} cannot be read`);
    this.#parts.failed({ reference: { type: "", id }, name, dueAt: 0, attempt: 1, parked: true, error });
  }
}

function errorOf(thrown: unknown): PachydermError {
  if (thrown instanceof PachydermError) return thrown;
  const message = `the timer's message cannot be read: ${reasonOf(thrown)}`;
  return new PachydermError("UNREADABLE_EVENT", message, { cause: thrown });
}
