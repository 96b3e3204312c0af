// Durable effects, wired into a node: what runs its jobs needs the engine to send, and the other nodes where this one
// does not define an effect.

import type { Catalog } from "../core/catalog.ts";
import { DurableEffects } from "../engine/durable-effects.ts";
import type { Duties } from "../engine/duties.ts";
import type { Engine } from "../engine/engine.ts";
import { receiveEffect } from "../engine/handover.ts";
import type { Signals } from "../engine/signals.ts";
import { Teller, type Telling } from "../engine/teller.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Jobs } from "../ports/jobs.ts";
import type { Parcel } from "../ports/transport.ts";
import { systemClock } from "./clock.ts";
import type { Surroundings } from "./cluster-view.ts";
import type { Settings } from "./settings.ts";

export interface DurableWorkParts {
  readonly settings: Settings;
  readonly catalog: Catalog;
  readonly store: EventStore;
  readonly jobs: Jobs;
  readonly engine: Engine;
  readonly signals: Signals;
  readonly duties: Duties;
}

export interface DurableWork {
  readonly durable: DurableEffects;
  /** Runs an effect for another node. Never rejects. */
  readonly runEffect: (parcel: Parcel) => Promise<Parcel>;
  /** From now on jobs are run. */
  readonly wire: (surroundings: Pick<Surroundings, "handOver">) => void;
}

export function durableWork(parts: DurableWorkParts): DurableWork {
  const { settings, catalog, store, jobs, engine, signals, duties } = parts;
  let others: Pick<Surroundings, "handOver"> | undefined;
  const send = (telling: Telling): Promise<unknown> => {
    const { promise, ...sender } = Promise.withResolvers<unknown>();
    try {
      engine.tell(telling, sender, () => null);
    } catch (thrown) {
      sender.reject(thrown);
    }
    return promise;
  };
  const teller = new Teller({ now: () => store.now(), send });
  const { partitions, effectConcurrency: concurrency, config } = settings;
  const durable = new DurableEffects({
    jobs,
    store,
    catalog,
    clock: systemClock,
    partitions,
    concurrency,
    config,
    failed: (payload) => signals.emit("effect-failed", payload),
    tell: (run) => teller.run(run),
    handOver: async (run) => (await others?.handOver(run)) ?? null,
  });
  const defines = (name: string): boolean => catalog.effect(name) !== undefined;
  return {
    durable,
    runEffect: (parcel) => receiveEffect(parcel, (run) => durable.dispatch(run), defines),
    wire: (surroundings) => {
      others = surroundings;
      duties.add(durable);
    },
  };
}
