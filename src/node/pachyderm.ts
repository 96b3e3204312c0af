// A node: what a program starts, sends through, and stops. What it is made of is in assemble.ts.

import { cursorOf, cursorPrefix } from "../core/cursor.ts";
import type { Event, Message } from "../core/decision.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError, reasonOf } from "../core/errors.ts";
import type {
  ArgsOf,
  DestroyOptions,
  GetOptions,
  ResultOf,
  SendOptions,
  Sent,
  Standing,
} from "../core/options.ts";
import { partitionOf } from "../core/partition.ts";
import type { Recorded } from "../core/recorded.ts";
import type { Reference, TypesOf } from "../core/reference.ts";
import { type SignalName, type SignalPayloads, signalNames } from "../core/signals.ts";
import type { Subscribe, SubscribeBatch } from "../core/subscription.ts";
import type { IndexOf, RowOf, ViewTable } from "../core/view.ts";
import type { Engine } from "../engine/engine.ts";
import type { Answer, Sealed, Shape } from "../engine/envelope.ts";
import type { Asking } from "./asking.ts";
import { assemble, dismantle, type Parts } from "./assemble.ts";
import { systemClock } from "./clock.ts";
import type { ClusterView, Gauges, Located } from "./cluster-view.ts";
import type { Durables } from "./durable.ts";
import type { EffectJobs } from "./effect-jobs.ts";
import { type EntitiesOptions, type EntitiesPage, listEntities } from "./entities.ts";
import type { EventsOptions, EventsPage } from "./events.ts";
import type { Follow, FollowOptions } from "./follow.ts";
import type { History, HistoryOptions } from "./history.ts";
import type { NodeLog } from "./log.ts";
import { type Preview, preview } from "./preview.ts";
import { readSettings, type StartOptions } from "./settings.ts";
import type { Subscription } from "./subscription.ts";
import type { Timer } from "./timers.ts";
import type { View } from "./views.ts";

/** The message that a reference's entity takes; of a plain `{ type, id }` nothing is known. */
type MessageOf<R> = unknown extends TypesOf<R>["message"]
  ? Message & { readonly [key: string]: unknown }
  : TypesOf<R>["message"];
/** The events that a reference's entity has, likewise. */
type EventOf<R> = unknown extends TypesOf<R>["event"]
  ? Event & { readonly [key: string]: unknown }
  : TypesOf<R>["event"];
type QueriesOf<R> = TypesOf<R>["queries"];
type QueryName<R> = Extract<keyof QueriesOf<R>, string>;

/**
 * A node: one per process is enough. Several, of one or of many processes, may work on the same entities at once. Made
 * by {@link Pachyderm.start}; ended by {@link Pachyderm.stop}, or by `await using`.
 */
export class Pachyderm implements AsyncDisposable {
  readonly #parts: Parts;
  readonly #engine: Engine;
  readonly #asking: Asking;
  readonly #durables: Durables;
  readonly #cursorPrefix: string;
  #stopped: Promise<void> | null = null;
  /** What a send resolves with: see {@link Sent}. */
  readonly #sent: Shape = (answer, order) => {
    const { version, handledVersion, reply, duplicate, value } = answer;
    const cursor = this.#cursor(answer, order);
    if (order.answer === "state") return { state: value, version, cursor, handledVersion, reply, duplicate };
    if (order.answer === "none") return { version, cursor, handledVersion, reply, duplicate };
    return { result: value, version, cursor, handledVersion, reply, duplicate };
  };
  /** The durable effects of the network: what has failed, what to do about it, and how many there are. */
  readonly effects: EffectJobs;
  /** What `start` found that is not as it should be with this Redis, in sentences; also emitted as process warnings. */
  readonly warnings: readonly string[];

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#engine = parts.engine;
    this.#asking = parts.asking;
    this.#durables = parts.durables;
    this.#cursorPrefix = cursorPrefix(parts.settings.network);
    this.effects = parts.effects;
    this.warnings = parts.stores.warnings;
  }

  /**
   * Starts a node: connects, and checks that this Redis can keep the promises.
   *
   * @throws PachydermError INVALID_OPTIONS; with `redis` also STORE_UNAVAILABLE (not there), UNAUTHORIZED,
   * UNSUPPORTED_REDIS (too old, a replica, evicting: the message says what to change), CONFIG_MISMATCH (the network was
   * made with other settings), all within `startTimeoutMs`
   */
  static async start(options: StartOptions = {}): Promise<Pachyderm> {
    return new Pachyderm(await assemble(readSettings(options)));
  }

  /**
   * Sends a message to an entity. Resolves when its events are in the log.
   *
   * @param reference `counter.ref(id)`, or a plain `{ type, id }`
   * @throws PachydermError (the promise rejects, nothing is thrown synchronously) INVALID_REFERENCE, INVALID_MESSAGE,
   * INVALID_OPTIONS, INVALID_CURSOR, UNKNOWN_TYPE, TOO_LARGE, MAILBOX_FULL, NODE_STOPPING, NO_OWNER, REJECTED,
   * HANDLER_FAILED, WRONG_TYPE, DESTROYED, EXPECTED_MISMATCH, LOG_DIVERGED, KEY_REUSED, CONFLICT, UNREADABLE_EVENT,
   * UNSUPPORTED_REDIS (it cannot confirm this `durability`); DEADLINE_EXCEEDED and STORE_UNAVAILABLE, whose `outcome` may
   * be `unknown`
   */
  send<R extends Reference, const A extends "state" | "none" | QueryName<R> = "state">(
    reference: R,
    message: MessageOf<R>,
    options?: SendOptions<A>,
  ): Promise<Sent<TypesOf<R>["state"], QueriesOf<R>, A>> {
    const sender = Promise.withResolvers<Sent<TypesOf<R>["state"], QueriesOf<R>, A>>();
    let { promise } = sender;
    try {
      const wish = options === undefined ? null : this.#durables.wish(options);
      this.#engine.send(reference, message, options, sender, this.#sent);
      if (wish !== null) promise = this.#durables.confirmed(promise, reference, wish);
    } catch (thrown) {
      sender.reject(thrown);
    }
    return this.#asking.metered("send", promise);
  }

  /**
   * The state of an entity, or what a query makes of it, compared with the log like a message unless `stale`.
   * An entity without records is `init()` at version 0.
   *
   * @param query a query's name, run where the entity lives, or a function of the state, run here
   * @throws PachydermError (as a rejection) INVALID_REFERENCE, INVALID_OPTIONS, INVALID_CURSOR, UNKNOWN_TYPE,
   * MAILBOX_FULL, NODE_STOPPING, NO_OWNER, HANDLER_FAILED, WRONG_TYPE, DESTROYED, LOG_DIVERGED, UNREADABLE_EVENT,
   * TOO_LARGE (for a frame between nodes), DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  get<R extends Reference>(
    reference: R,
    query?: undefined,
    args?: undefined,
    options?: GetOptions,
  ): Promise<Standing & { readonly state: TypesOf<R>["state"] }>;
  get<R extends Reference, const N extends QueryName<R>>(
    reference: R,
    query: N,
    args?: ArgsOf<QueriesOf<R>[N]>,
    options?: GetOptions,
  ): Promise<Standing & { readonly result: ResultOf<QueriesOf<R>[N]> }>;
  get<R extends Reference, T, P = undefined>(
    reference: R,
    query: (state: TypesOf<R>["state"], args: P) => T,
    args?: P,
    options?: GetOptions,
  ): Promise<Standing & { readonly result: T }>;
  async get(reference: Reference, query?: unknown, args?: unknown, options?: GetOptions): Promise<Standing> {
    const isFunction = typeof query === "function";
    if (!isFunction && query !== undefined && typeof query !== "string") {
      throw new PachydermError(
        "INVALID_OPTIONS",
        "a query is the name of one, or a function of the state; options come fourth: get(reference, query, args, options)",
      );
    }
    const name = isFunction ? undefined : query;
    const { answer, order } = await this.#asking.get(reference, name, args, options);
    const { value } = answer;
    const standing = { version: answer.version, cursor: this.#cursor(answer, order) };
    if (isFunction) return { ...standing, result: runHere(() => query(value, args)) } as Standing;
    return query === undefined
      ? ({ state: value, ...standing } as Standing)
      : ({ result: value, ...standing } as Standing);
  }

  /**
   * Events of an entity as they stand in the log, a page at a time, from any node. What was committed when it was called
   * is in it. A type that only other nodes define is read too, without `upcast` and by its own name only.
   *
   * @throws PachydermError (as a rejection) INVALID_REFERENCE, INVALID_OPTIONS, UNKNOWN_TYPE, WRONG_TYPE, DESTROYED,
   * UNREADABLE_EVENT, LOG_DIVERGED, NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async events<R extends Reference>(reference: R, options?: EventsOptions): Promise<EventsPage<EventOf<R>>> {
    this.#parts.running.check();
    return (await this.#parts.events.page(reference, options)) as EventsPage<EventOf<R>>;
  }

  /**
   * A view of an entity type: rows that commit with the events, so that whoever has the answer to a send finds what it
   * brought, on any node.
   *
   * @param entity a definition, or `{ type }` of one that this node has
   * @throws PachydermError UNKNOWN_TYPE; INVALID_OPTIONS if it has no such view
   */
  view<V extends object, const N extends keyof V & string>(
    entity: { readonly type: string; readonly views: V; readonly viewTables?: readonly ViewTable[] },
    name: N,
  ): View<RowOf<V[N]>, IndexOf<V[N]>>;
  view(entity: { readonly type: string }, name: string): View;
  view(entity: { readonly type: string; readonly viewTables?: readonly ViewTable[] }, name: string): View {
    return this.#parts.views.view(entity, name);
  }

  /**
   * The timers of an entity, pending and parked, in the order of their due times, from any node.
   *
   * @throws PachydermError (as a rejection) INVALID_REFERENCE, UNKNOWN_TYPE, UNREADABLE_EVENT, NODE_STOPPING,
   * DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async timers(reference: Reference): Promise<readonly Timer[]> {
    const { running, timers, events } = this.#parts;
    running.check();
    return await timers.list(reference, (type) => events.checkKnown(type));
  }

  /**
   * The entities that have records, a page at a time, in no order that means anything. Those that were there when the
   * first page was asked for and are not destroyed come in some page, each once.
   *
   * @throws PachydermError (as a rejection) INVALID_OPTIONS, NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async entities(options?: EntitiesOptions): Promise<EntitiesPage> {
    this.#parts.running.check();
    const { settings, catalog, store } = this.#parts;
    const { partitions, timeoutMs } = settings;
    return await listEntities(options, { partitions, timeoutMs, catalog, store, clock: systemClock });
  }

  /**
   * An entity as it was at a version: its state, and the last events that led there. It reads the log; what was
   * committed when it was called is in it.
   *
   * @throws PachydermError (as a rejection) INVALID_REFERENCE, INVALID_OPTIONS (there is no such version), INVALID_CURSOR,
   * UNKNOWN_TYPE (not defined on this node), WRONG_TYPE, DESTROYED, UNREADABLE_EVENT (what led there is not kept any
   * more), HANDLER_FAILED, LOG_DIVERGED, NODE_STOPPING, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async history<R extends Reference>(
    reference: R,
    options?: HistoryOptions,
  ): Promise<History<TypesOf<R>["state"], EventOf<R>>> {
    this.#parts.running.check();
    return (await this.#parts.histories.at(reference, options)) as History<TypesOf<R>["state"], EventOf<R>>;
  }

  /**
   * What handling a message now would yield: events, effects, reply and state, or the rejection. Nothing is written and
   * nothing is dispatched; by the time that the message is sent, another one may have come first.
   *
   * @throws PachydermError (as a rejection) what `send` throws before the commit, but REJECTED; UNKNOWN_TYPE where this
   * node does not define the type
   */
  async preview<R extends Reference>(
    reference: R,
    message: MessageOf<R>,
  ): Promise<Preview<TypesOf<R>["state"], EventOf<R>>> {
    this.#parts.running.check();
    const { settings, catalog, store } = this.#parts;
    const { network, timeoutMs, lookbackMs: longestTimeoutMs, maxMessageBytes } = settings;
    const rules = { network, timeoutMs, longestTimeoutMs, maxMessageBytes, catalog, clustered: false };
    const get = async (of: unknown) => (await this.#asking.get(of)).answer;
    const found = await preview(reference, message, { catalog, rules, store, get });
    return found as Preview<TypesOf<R>["state"], EventOf<R>>;
  }

  /**
   * Ends an entity for good: its records, its snapshot and its callers' keys are removed, and later sends and gets are
   * DESTROYED. One record is left, so that its versions never begin again. Resolves with its place. An entity that has no
   * records, or is destroyed already, can be destroyed too.
   *
   * @throws PachydermError (as a rejection) INVALID_REFERENCE, INVALID_OPTIONS, UNKNOWN_TYPE, WRONG_TYPE, MAILBOX_FULL,
   * NODE_STOPPING, NO_OWNER, UNREADABLE_EVENT; DEADLINE_EXCEEDED and STORE_UNAVAILABLE, whose `outcome` may be `unknown`:
   * destroy it again
   */
  async destroy(reference: Reference, options?: DestroyOptions): Promise<Standing> {
    const { answer, order } = await this.#asking.destroy(reference, options);
    const { settings, store } = this.#parts;
    const { id } = order.reference;
    const key = { id, partition: partitionOf(id, settings.partitions) };
    // What is left of its keys, should this not get through, ends with its time.
    await store.forget(key, order.deadline);
    return { version: answer.version, cursor: this.#cursor(answer, order) };
  }

  /**
   * Handles what entities did, from now on and for as long as the network keeps its log: each event at least once, those of
   * an entity in their order, across restarts. All nodes that subscribe by this name share the work, each in the partitions
   * that it owns; a node that owns some and does not leaves them undone. Resolves when it stands in every partition.
   *
   * @throws PachydermError (as a rejection) INVALID_OPTIONS (also where the network keeps no log, or this node hosts
   * nothing), INVALID_CURSOR, LOG_DIVERGED, UNREADABLE_EVENT, NODE_STOPPING, STORE_UNAVAILABLE
   */
  subscribe<const T extends AnyEntity | string = string>(options: Subscribe<T>): Promise<Subscription>;
  subscribe<const T extends AnyEntity | string = string>(options: SubscribeBatch<T>): Promise<Subscription>;
  async subscribe(options: unknown): Promise<Subscription> {
    this.#parts.running.check();
    return await this.#logged().subscribe(options);
  }

  /**
   * A subscription of the network, whether this node runs it or not.
   * @throws PachydermError INVALID_OPTIONS: it cannot be a name, or the network keeps no log
   */
  subscription(name: string): Subscription {
    return this.#logged().subscription(name);
  }

  /**
   * The names of the network's subscriptions.
   * @throws PachydermError (as a rejection) INVALID_OPTIONS, NODE_STOPPING, STORE_UNAVAILABLE, UNREADABLE_EVENT
   */
  async subscriptions(): Promise<readonly string[]> {
    this.#parts.running.check();
    return await this.#logged().names();
  }

  /**
   * The events of an entity as they come, from any node: past ones first, then each as it is committed. A type that only
   * other nodes define is followed too, without `upcast` and by its own name only.
   *
   * @throws PachydermError at once INVALID_REFERENCE, INVALID_OPTIONS (also where the network keeps no log), INVALID_CURSOR,
   * UNKNOWN_TYPE, NODE_STOPPING; while it is iterated WRONG_TYPE, DESTROYED, LOG_DIVERGED, UNREADABLE_EVENT
   */
  follow<R extends Reference>(reference: R, options?: FollowOptions): Follow<Recorded<EventOf<R>>> {
    this.#parts.running.check();
    return this.#logged().follow(reference, options) as Follow<Recorded<EventOf<R>>>;
  }

  /** The nodes of the network and the owner of each partition. Costs no call to Redis. */
  cluster(): ClusterView {
    return this.#parts.surroundings.view();
  }

  /**
   * Where an entity lives. Costs no call to Redis.
   * @throws PachydermError INVALID_REFERENCE if the id is not a UUID
   */
  locate(id: string): Located {
    return this.#parts.surroundings.locate(id);
  }

  /** How much there is in this node now, for whoever measures it. */
  gauges(): Gauges {
    const { residents, unanswered } = this.#engine;
    const { owned, away } = this.#parts.surroundings;
    const { followers, readers: logReaders } = this.#parts.log?.following ?? { followers: 0, readers: 0 };
    return { resident: residents, waiting: unanswered + away, partitions: owned, followers, logReaders };
  }

  /**
   * Listens to what the node tells: see {@link SignalPayloads}. Returns the function that takes the listener away.
   * @throws PachydermError INVALID_OPTIONS if there is no such signal, or the listener is no function
   */
  on<N extends SignalName>(name: N, listener: (payload: SignalPayloads[N]) => void): () => void {
    if (!signalNames.includes(name)) {
      throw new PachydermError(
        "INVALID_OPTIONS",
        `there is no signal ${name} (there are: ${signalNames.join(", ")})`,
      );
    }
    if (typeof listener !== "function")
      throw new PachydermError("INVALID_OPTIONS", "a listener of a signal is a function");
    return this.#parts.signals.on(name, listener);
  }

  /** Where this node's HTTP door is, for whoever asks for the cluster: `openHttp` says it, `cluster.http` goes before it. */
  advertiseHttp(host: string, port: number): void {
    this.#parts.surroundings.advertiseHttp(host, port);
  }

  /**
   * Takes nothing more, finishes what was taken (for `stopTimeoutMs` at most), closes the connections. The process is
   * then free to exit. Calling it again returns the same promise. A handler of this node (an effect's `dispatch`, a
   * subscription's `handle`) is among what it waits for: one that stops the node must not await this.
   */
  stop(): Promise<void> {
    this.#stopped ??= dismantle(this.#parts);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #logged(): NodeLog {
    const { log } = this.#parts;
    if (log !== null) return log;
    throw new PachydermError(
      "INVALID_OPTIONS",
      "this network keeps no log (log: false): nothing can be followed",
    );
  }

  #cursor({ version, commitId }: Answer, { reference }: Sealed): string {
    return cursorOf(this.#cursorPrefix, reference.id, version, commitId);
  }
}

/** The caller's own function, held to what a named query is. */
function runHere(query: () => unknown): unknown {
  try {
    return query();
  } catch (thrown) {
    throw new PachydermError("HANDLER_FAILED", `the query threw: ${reasonOf(thrown)}`, { cause: thrown });
  }
}
