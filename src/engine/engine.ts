// The way of a send through one node, from top to bottom:
//
//   1  seal.ts         from what the caller gave to an order
//   2  mailbox.ts      into the mailbox of its entity (worker.ts); from here on there is a deadline (deadlines.ts)
//      pulse.ts        asks every worker that has something new what it needs
//   3  loader.ts       only where the entity is cold
//   4  turn.ts         pure handle and update, on the newest head
//   5  batch.ts        with the others that came meanwhile
//   6  commit-lane.ts  one call to the store for many entities
//   7  worker.ts       what became of the commit: forward, or 4 again
//   8  settle.ts       the answers; effects.ts: what goes out
//
// docs/send.md has the same as a picture, with the errors of each step.

import type { Catalog } from "../core/catalog.ts";
import { PachydermError } from "../core/errors.ts";
import type { GetOptions, SendOptions } from "../core/options.ts";
import { partitionOf } from "../core/partition.ts";
import type { DecisionRules } from "../core/read-decision.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import { Deadlines } from "./deadlines.ts";
import { Effects } from "./effects.ts";
import { Envelope, type Order, type Sender, type Shape } from "./envelope.ts";
import { IdSequence } from "./ids.ts";
import { Pulse } from "./pulse.ts";
import { Residents } from "./residents.ts";
import { type SealRules, sealGet, sealMessage } from "./seal.ts";
import type { Signals } from "./signals.ts";

export interface EngineSettings {
  readonly network: string;
  readonly partitions: number;
  readonly mailbox: number;
  readonly resident: number;
  readonly idleMs: number;
  readonly keyTtlMs: number;
  readonly timeoutMs: number;
  readonly longestTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly effectConcurrency: number;
  readonly effectsWaiting: number;
  readonly config: unknown;
}

export class Engine {
  readonly #sealRules: SealRules;
  readonly #clock: Clock;
  readonly #store: EventStore;
  readonly #deadlines: Deadlines<Envelope>;
  readonly #residents: Residents;
  readonly #pulse: Pulse;
  readonly #effects: Effects;
  readonly #messageIds = new IdSequence();
  readonly #passivation: NodeJS.Timeout;
  readonly #partitionOf: (id: string) => number;
  readonly #onSettled: (envelope: Envelope) => void;
  #unanswered = 0;
  #stopping = false;
  #drained: (() => void) | null = null;

  constructor(settings: EngineSettings, catalog: Catalog, store: EventStore, clock: Clock, signals: Signals) {
    this.#sealRules = { ...settings, catalog };
    this.#clock = clock;
    this.#store = store;
    this.#deadlines = new Deadlines(clock);
    this.#pulse = new Pulse(store, catalog);
    const { effectConcurrency: concurrency, effectsWaiting: waiting, config } = settings;
    this.#effects = new Effects(catalog, { concurrency, waiting, config }, (failed) =>
      signals.emit("effect-failed", failed),
    );
    const commitIds = new IdSequence();
    const rules: DecisionRules = {
      knowsEffect: (name) => catalog.effect(name) !== undefined,
      maxBytes: settings.maxMessageBytes,
    };
    this.#residents = new Residents(
      {
        catalog,
        rules,
        keyTtlMs: settings.keyTtlMs,
        mailbox: settings.mailbox,
        nextCommitId: () => commitIds.next(),
        monotonicMs: () => clock.monotonicMs(),
        now: () => store.now(),
        signal: (name, payload) => signals.emit(name, payload),
        dispatch: (effects) => this.#effects.dispatch(effects),
      },
      settings,
    );
    this.#partitionOf = (id) => partitionOf(id, settings.partitions);
    this.#onSettled = (envelope) => this.#settled(envelope);
    this.#passivation = setInterval(() => this.#residents.passivate(clock.monotonicMs()), PASSIVATION_MS);
    this.#passivation.unref();
  }

  /**
   * @param sender hears of it, once, and never before this returns
   * @throws PachydermError what can be said before the mailbox (steps 1 and 2): then the sender hears nothing
   */
  send(
    reference: unknown,
    message: unknown,
    options: SendOptions | undefined,
    sender: Sender,
    shape: Shape,
  ): void {
    const now = this.#clock.monotonicMs();
    const order = sealMessage(reference, message, options, this.#messageIds.next(), now, this.#sealRules);
    const namesPlace = typeof order.expected === "object" && order.expected !== null;
    const asking = namesPlace ? this.#askingLog(order, sender) : sender;
    this.#deliver(new Envelope(order, asking, shape, this.#onSettled), now);
  }

  /** As `send`; the promise is of the way to the mailbox. */
  async get(
    reference: unknown,
    query: string | undefined,
    args: unknown,
    options: GetOptions | undefined,
    sender: Sender,
    shape: Shape,
  ): Promise<void> {
    const now = this.#clock.monotonicMs();
    const order = sealGet(reference, query, args, options, now, this.#sealRules);
    await this.#checkPlace(order);
    this.#deliver(new Envelope(order, sender, shape, this.#onSettled), now);
  }

  /** Workers in memory. */
  get residents(): number {
    return this.#residents.count;
  }

  /** Takes nothing more; resolves when all that was taken is answered and dispatched, or when the time is up. */
  async stop(ms: number): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#passivation);
    const until = this.#clock.monotonicMs() + ms;
    if (this.#unanswered > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    this.#deadlines.clear((envelope) => envelope.giveUp());
    await this.#effects.drain(Math.max(0, until - this.#clock.monotonicMs()));
  }

  #deliver(envelope: Envelope, now: number): void {
    if (this.#stopping) throw new PachydermError("NODE_STOPPING", "this node is stopping, or has stopped");
    const worker = this.#residents.use(envelope.order.reference.id, this.#partitionOf, now);
    worker.take(envelope);
    this.#unanswered += 1;
    this.#deadlines.add(envelope);
    this.#pulse.touch(worker);
  }

  #settled(envelope: Envelope): void {
    this.#deadlines.remove(envelope);
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#drained?.();
  }

  /**
   * A mismatch with a cursor older than the head: whether the log still holds what it names, or was rolled back and has
   * grown past it, is for the log to say. Asked only then, so that what matches costs nothing more.
   */
  #askingLog(order: Order, { resolve, reject }: Sender): Sender {
    const rejectAsked = (error: PachydermError): void => {
      if (error.code === "EXPECTED_MISMATCH") {
        this.#checkPlace(order).then(
          () => reject(error),
          (other: PachydermError) => reject(other.code === "LOG_DIVERGED" ? other : error),
        );
      } else {
        reject(error);
      }
    };
    return { resolve, reject: rejectAsked };
  }

  /**
   * A cursor older than the entity's head names a commit that the head does not tell: the record there is asked. What
   * was trimmed cannot tell any more, and is let pass.
   */
  async #checkPlace({ reference, expected, deadline }: Order): Promise<void> {
    if (expected === null || typeof expected === "number" || expected.version === 0) return;
    const key = { id: reference.id, partition: this.#partitionOf(reference.id) };
    const answer = await this.#store.read(key, expected.version, 1, deadline);
    if (answer.kind === "unreadable") throw new PachydermError("UNREADABLE_EVENT", answer.reason);
    if (answer.kind === "unavailable") throw new PachydermError("STORE_UNAVAILABLE", answer.reason);
    const [record] = answer.records;
    if (record?.version !== expected.version || record.commitId === expected.commitId) return;
    const message = `the log holds another commit at version ${expected.version} than the cursor names`;
    throw new PachydermError("LOG_DIVERGED", message);
  }
}

const PASSIVATION_MS = 1_000;
