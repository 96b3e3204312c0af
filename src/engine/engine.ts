// The way of a send through one node, from top to bottom:
//
//   1  seal.ts         from what the caller gave to what nobody can change any more
//      (in a cluster: router.ts, to the node that has the entity, where it goes on)
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
import { type DurablePolicy, defaultDurablePolicy } from "../core/durable.ts";
import { PachydermError } from "../core/errors.ts";
import type { DestroyOptions, GetOptions, SendOptions } from "../core/options.ts";
import { partitionOf } from "../core/partition.ts";
import type { DecisionRules } from "../core/read-decision.ts";
import type { Reference } from "../core/reference.ts";
import { TELL } from "../core/tell.ts";
import type { Firing } from "../core/timer.ts";
import type { Clock } from "../ports/clock.ts";
import type { EntityKey, EventStore } from "../ports/event-store.ts";
import type { Meter } from "../ports/meter.ts";
import { Deadlines } from "./deadlines.ts";
import { Effects } from "./effects.ts";
import { type Arrival, Envelope, type Order, type Sealed, type Sender, type Shape } from "./envelope.ts";
import { IdSequence } from "./ids.ts";
import { Pulse } from "./pulse.ts";
import { Residents } from "./residents.ts";
import type { Router } from "./router.ts";
import {
  open,
  type SealRules,
  type SealStamp,
  sealDestroy,
  sealFiring,
  sealGet,
  sealMessage,
  sealRepair,
} from "./seal.ts";
import type { Signals } from "./signals.ts";
import type { Telling } from "./teller.ts";
import { unanswered } from "./unanswered.ts";

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
  /** `"all"`: every effect is durable; else those that are defined so. */
  readonly durableEffects: "all" | "defined";
  /** Whether there are other nodes, to which messages may go. */
  readonly clustered: boolean;
}

const asIs: Shape = (answer) => answer;

/** Of this node's own program: nobody else can try the same message. */
const OWN: Arrival = { attempt: 1, crossed: false };

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
  #router: Router | null = null;
  #onScheduled: (partition: number, dueAt: number) => void = () => {};
  #onSnapshotted: (key: EntityKey, version: number, keepEvents: number) => void = () => {};
  #unanswered = 0;
  #stopping = false;
  #drained: (() => void) | null = null;

  constructor(
    settings: EngineSettings,
    catalog: Catalog,
    store: EventStore,
    clock: Clock,
    signals: Signals,
    meter: Meter | null = null,
  ) {
    this.#sealRules = { ...settings, catalog };
    this.#clock = clock;
    this.#store = store;
    this.#deadlines = new Deadlines(clock);
    this.#pulse = new Pulse(store, catalog, clock, meter);
    const { effectConcurrency: concurrency, effectsWaiting: waiting, config } = settings;
    this.#effects = new Effects(catalog, { concurrency, waiting, config }, (failed) =>
      signals.emit("effect-failed", failed),
    );
    const commitIds = new IdSequence();
    const rules: DecisionRules = {
      knowsEffect: (name) => catalog.effect(name) !== undefined,
      durableOf: (name) => durableOf(catalog, name, settings.durableEffects),
      maxBytes: settings.maxMessageBytes,
    };
    this.#residents = new Residents(
      {
        catalog,
        rules,
        keyTtlMs: settings.keyTtlMs,
        lookbackMs: settings.longestTimeoutMs,
        mailbox: settings.mailbox,
        nextCommitId: () => commitIds.next(),
        monotonicMs: () => clock.monotonicMs(),
        now: () => store.now(),
        signal: (name, payload) => {
          if (name === "conflict") meter?.conflicted();
          else if (name === "log-diverged") meter?.diverged();
          signals.emit(name, payload);
        },
        dispatch: (effects) => this.#effects.dispatch(effects),
        scheduled: (partition, dueAt) => this.#onScheduled(partition, dueAt),
        snapshotted: (key, version, keepEvents) => this.#onSnapshotted(key, version, keepEvents),
      },
      settings,
    );
    this.#partitionOf = (id) => partitionOf(id, settings.partitions);
    this.#onSettled = (envelope) => this.#settled(envelope);
    this.#passivation = setInterval(() => this.#residents.passivate(clock.monotonicMs()), PASSIVATION_MS);
    this.#passivation.unref();
  }

  /** Told of each snapshot of an entity that does not keep all its events. */
  onSnapshotted(listener: (key: EntityKey, version: number, keepEvents: number) => void): void {
    this.#onSnapshotted = listener;
  }

  /** From now on messages may go to other nodes. */
  route(router: Router): void {
    this.#router = router;
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
    const stamp = this.#stamp();
    this.#locate(sealMessage(reference, message, options, stamp, this.#sealRules), sender, shape, stamp.now);
  }

  /** A message of a job's: as `send`, with a receipt of its own kind. */
  tell({ to, message, key, until, config }: Telling, sender: Sender, shape: Shape): void {
    const stamp = this.#stamp();
    const options = { idempotencyKey: key, answer: "none", ...(config === undefined ? {} : { config }) };
    const sealed = sealMessage(to, message, options, stamp, this.#sealRules);
    this.#locate({ ...sealed, tellUntil: until }, sender, shape, stamp.now);
  }

  /** As `send`. */
  get(
    reference: unknown,
    query: string | undefined,
    args: unknown,
    options: GetOptions | undefined,
    sender: Sender,
    shape: Shape,
  ): void {
    const stamp = this.#stamp();
    this.#locate(sealGet(reference, query, args, options, stamp, this.#sealRules), sender, shape, stamp.now);
  }

  /** Called for each commit of this node that left timers, with the partition and the first due time, epoch ms. */
  onScheduled(listener: (partition: number, dueAt: number) => void): void {
    this.#onScheduled = listener;
  }

  /**
   * Sends what a timer says, to wherever its entity is. As `send`.
   * @throws PachydermError, or another error if the message cannot be read
   */
  fire(reference: Reference, message: string, firing: Firing, sender: Sender): void {
    const { now, sentAt } = this.#stamp();
    this.#locate(sealFiring(reference, message, firing, { now, sentAt }, this.#sealRules), sender, asIs, now);
  }

  /**
   * Has the rows of an entity's views written as they should be, by this node, whoever owns it. As `send`.
   * @param deadline monotonic ms
   */
  repair(reference: Reference, deadline: number, sender: Sender): void {
    this.take(sealRepair(reference, deadline), OWN, sender, asIs);
  }

  /** As `send`. */
  destroy(reference: unknown, options: DestroyOptions | undefined, sender: Sender, shape: Shape): void {
    const stamp = this.#stamp();
    this.#locate(sealDestroy(reference, options, stamp, this.#sealRules), sender, shape, stamp.now);
  }

  /**
   * Takes a message that is to be handled on this node. As `send`; where `expected` names a place, `sender` may hear of
   * what could have been thrown.
   */
  take(
    sealed: Sealed,
    arrival: Arrival,
    sender: Sender,
    shape: Shape,
    now = this.#clock.monotonicMs(),
  ): void {
    const order = open(sealed, arrival, this.#sealRules);
    if (typeof order.expected === "object" && order.expected !== null) {
      this.#takeAtPlace(order, sender, shape, now);
    } else {
      this.#deliver(new Envelope(order, sender, shape, this.#onSettled), now);
    }
  }

  /** Where `expected` names a place, the log may have to be asked of it. */
  #takeAtPlace(order: Order, sender: Sender, shape: Shape, now: number): void {
    const deliver = (to: Sender): void => this.#deliver(new Envelope(order, to, shape, this.#onSettled), now);
    if (order.message !== undefined) deliver(this.#askingLog(order, sender));
    else
      this.#checkPlace(order)
        .then(() => deliver(sender))
        .catch((thrown: PachydermError) => sender.reject(thrown, false));
  }

  #stamp(): SealStamp {
    const now = this.#clock.monotonicMs();
    const sentAt = this.#router === null ? 0 : this.#store.now();
    return { messageId: this.#messageIds.next(), now, sentAt };
  }

  #locate(sealed: Sealed, sender: Sender, shape: Shape, now: number): void {
    const router = this.#router;
    const partition = router === null ? null : router.elsewhere(sealed.reference);
    if (router === null || partition === null) this.take(sealed, OWN, sender, shape, now);
    else if (this.#stopping) throw stopping();
    else router.forward(sealed, partition, sender, shape);
  }

  /** Workers in memory. */
  get residents(): number {
    return this.#residents.count;
  }

  /** Messages that were taken and have no answer yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Lets go of all entities of a partition that are not at work; how many are. */
  evict(partition: number): number {
    return this.#residents.evict(partition);
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
    if (this.#stopping) throw stopping();
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
    const rejectAsked = (error: PachydermError, recorded: boolean): void => {
      if (error.code === "EXPECTED_MISMATCH") {
        this.#checkPlace(order).then(
          () => reject(error, recorded),
          (other: PachydermError) => reject(other.code === "LOG_DIVERGED" ? other : error, recorded),
        );
      } else {
        reject(error, recorded);
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
    if (answer.kind === "unavailable") throw unanswered(answer.reason, deadline, this.#clock);
    const [record] = answer.records;
    if (record?.version !== expected.version || record.commitId === expected.commitId) return;
    const message = `the log holds another commit at version ${expected.version} than the cursor names`;
    throw new PachydermError("LOG_DIVERGED", message);
  }
}

/** A `tell` is always durable: it is handled exactly once because it is tried until it is. */
function durableOf(catalog: Catalog, name: string, which: "all" | "defined"): DurablePolicy | undefined {
  if (name === TELL) return defaultDurablePolicy;
  const effect = catalog.effect(name);
  return effect?.durable ?? (effect !== undefined && which === "all" ? defaultDurablePolicy : undefined);
}

function stopping(): PachydermError {
  return new PachydermError("NODE_STOPPING", "this node is stopping, or has stopped");
}

const PASSIVATION_MS = 1_000;
