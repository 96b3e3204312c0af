// What a node is made of: put together in the order in which one part needs the other, and taken apart in the order in
// which they can be missed.

import { randomUUID } from "node:crypto";
import { Catalog } from "../core/catalog.ts";
import type { Reference } from "../core/reference.ts";
import { Duties } from "../engine/duties.ts";
import { Engine } from "../engine/engine.ts";
import { Retention } from "../engine/retention.ts";
import { Signals } from "../engine/signals.ts";
import { announcedAs } from "../engine/view-plan.ts";
import type { EventStore } from "../ports/event-store.ts";
import { Alone } from "./alone.ts";
import { Asking } from "./asking.ts";
import { systemClock } from "./clock.ts";
import type { Surroundings } from "./cluster-view.ts";
import { Clustered, type ClusteredParts } from "./clustered.ts";
import { Durables } from "./durable.ts";
import { durableWork } from "./durable-work.ts";
import { EffectJobs } from "./effect-jobs.ts";
import { Events } from "./events.ts";
import { Histories } from "./history.ts";
import { NodeLog } from "./log.ts";
import { Running } from "./running.ts";
import type { Settings } from "./settings.ts";
import { closeStores, type OpenStore, openStore } from "./store.ts";
import { subscribedUpTo } from "./subscribed.ts";
import { NodeTimers } from "./timers.ts";
import { NodeViews } from "./view-work.ts";

/** What all else stands on. */
interface Ground {
  readonly settings: Settings;
  readonly catalog: Catalog;
  readonly stores: OpenStore;
  readonly store: EventStore;
  readonly engine: Engine;
  readonly signals: Signals;
  readonly duties: Duties;
}

export interface Parts extends Ground {
  readonly running: Running;
  readonly surroundings: Surroundings;
  readonly asking: Asking;
  readonly effects: EffectJobs;
  readonly durables: Durables;
  readonly retention: Retention;
  readonly timers: NodeTimers;
  readonly views: NodeViews;
  readonly events: Events;
  readonly histories: Histories;
  /** Null: the network keeps no log. */
  readonly log: NodeLog | null;
}

/**
 * Connects, and begins what a node does unasked. What it opened before something failed is closed again.
 * @throws PachydermError as `Pachyderm.start`, but for options that are wrong in themselves
 */
export async function assemble(settings: Settings): Promise<Parts> {
  const catalog = new Catalog(settings.entities, settings.effects);
  const stores = await openStore(settings, systemClock);
  for (const warning of stores.warnings) {
    process.emitWarning(`pachyderm: ${warning}`, { code: "PACHYDERM_REDIS" });
  }
  const { store } = stores;
  const signals = new Signals();
  const { meter, lookbackMs: longestTimeoutMs } = settings;
  const engineSettings = {
    ...settings,
    config: settings.config,
    longestTimeoutMs,
    clustered: settings.cluster !== undefined,
  };
  const engine = new Engine(engineSettings, catalog, store, systemClock, signals, meter);
  try {
    return await around({ settings, catalog, stores, store, engine, signals, duties: new Duties() });
  } catch (thrown) {
    await engine.stop(0);
    await closeStores(stores);
    throw thrown;
  }
}

/** All that stands around the engine. */
async function around(ground: Ground): Promise<Parts> {
  const { settings, catalog, stores, store, engine, signals } = ground;
  const { jobs, queues, durability } = stores;
  const clock = systemClock;
  const fires = settings.host && catalog.types.length > 0;
  const timers = new NodeTimers({ ...settings, ...ground, clock, timers: stores.timers, fires });
  const work = durableWork({ ...ground, jobs });
  const surroundings = await surround({ ...ground, clock, runEffect: work.runEffect });
  work.wire(surroundings);
  const running = new Running();
  const checkRunning = () => running.check();
  const { timeoutMs, meter } = settings;
  const dropped = () => work.durable.dropped;
  const effects = new EffectJobs({ jobs, queues, clock, timeoutMs, dropped, checkRunning });
  const retention = retentionOf(ground);
  const durables = new Durables({ ...settings, durability, signals, clock });
  const asking = new Asking(engine, meter);
  const get = async (of: Reference) => (await asking.get(of)).answer;
  const views = new NodeViews({
    ...settings,
    ...ground,
    views: stores.views,
    surroundings,
    get,
    checkRunning,
  });
  const isHosted = (type: string) => surroundings.view().nodes.some((node) => node.types.includes(type));
  const events = new Events({ ...settings, catalog, store, clock, isHosted });
  const histories = new Histories({ ...settings, catalog, store, clock, events });
  const checkKnown = (type: string) => events.checkKnown(type);
  const log =
    stores.log === null ? null : new NodeLog({ ...ground, ...stores.log, clock, checkRunning, checkKnown });
  await log?.opened();
  const asked = { asking, effects, durables, events, histories, log };
  return { ...ground, ...asked, running, surroundings, retention, timers, views };
}

async function surround(parts: Omit<ClusteredParts, "id" | "options">): Promise<Surroundings> {
  const { settings, catalog, store, duties } = parts;
  const id = randomUUID().replaceAll("-", "");
  const { network, partitions, cluster } = settings;
  if (cluster !== undefined) return await Clustered.open({ ...parts, id, options: cluster });
  const views = catalog.views.map(announcedAs);
  return new Alone({ id, network, partitions, since: store.now(), types: catalog.types, views, duties });
}

function retentionOf({ settings, stores, store, engine }: Ground): Retention {
  const { log } = stores;
  const subscribed = async (partition: number, deadline: number) =>
    log === null ? Number.POSITIVE_INFINITY : await subscribedUpTo(log.cursors, partition, deadline);
  const retention = new Retention({ ...settings, store, subscribed, clock: systemClock });
  engine.onSnapshotted((key, version, keep) => retention.snapshotted(key, version, keep));
  return retention;
}

/**
 * The others take over first, so that they lose no time; then what was taken here ends, and what is at work in the
 * partitions; then the connections.
 */
export async function dismantle(parts: Parts): Promise<void> {
  const { running, log, timers, duties, surroundings, engine, retention, stores } = parts;
  const { stopTimeoutMs: ms } = parts.settings;
  running.end();
  log?.stopFollowing();
  timers.stop();
  const views = parts.views.close();
  const working = duties.close(systemClock.monotonicMs() + ms);
  await surroundings.leave();
  await Promise.all([working, views, engine.stop(ms), surroundings.drain(ms)]);
  await surroundings.end();
  await retention.stop();
  log?.close();
  await closeStores(stores);
}
