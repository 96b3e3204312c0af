// A node without its face: the engine on a scripted store and a virtual clock, and what a test asks of them.

import { Catalog } from "../../src/core/catalog.ts";
import type { AnyEffect } from "../../src/core/effect.ts";
import type { AnyEntity } from "../../src/core/entity.ts";
import type { PachydermError } from "../../src/core/errors.ts";
import type { GetOptions, SendOptions } from "../../src/core/options.ts";
import { partitionOf } from "../../src/core/partition.ts";
import type { StoredRecord } from "../../src/core/record.ts";
import type { Reference } from "../../src/core/reference.ts";
import { Engine, type EngineSettings } from "../../src/engine/engine.ts";
import type { Answer, Sealed, Sender } from "../../src/engine/envelope.ts";
import { sealMessage } from "../../src/engine/seal.ts";
import { Signals } from "../../src/engine/signals.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { ScriptedStore } from "./scripted-store.ts";
import { VirtualClock } from "./virtual-clock.ts";

const defaults: EngineSettings = {
  network: "main",
  partitions: 32,
  mailbox: 1_024,
  resident: 10_000,
  idleMs: 300_000,
  keyTtlMs: 86_400_000,
  timeoutMs: 5_000,
  longestTimeoutMs: 60_000,
  maxMessageBytes: 1_048_576,
  effectConcurrency: 64,
  effectsWaiting: 10_000,
  config: undefined,
  durableEffects: "defined",
  clustered: false,
};

export interface NodeOptions extends Partial<EngineSettings> {
  readonly entities: readonly AnyEntity[];
  readonly effects?: readonly AnyEffect[];
  /** Shared with another node: then both see one log. */
  readonly log?: MemoryLog;
  readonly clock?: VirtualClock;
}

export class EngineNode {
  readonly clock: VirtualClock;
  readonly log: MemoryLog;
  readonly store: ScriptedStore;
  readonly signals = new Signals();
  readonly engine: Engine;
  #sealed = 0;

  constructor({ entities, effects = [], clock = new VirtualClock(), log, ...settings }: NodeOptions) {
    this.clock = clock;
    this.log = log ?? new MemoryLog(clock);
    this.store = new ScriptedStore(new MemoryEventStore(clock, this.log));
    const catalog = new Catalog(entities, effects);
    this.engine = new Engine({ ...defaults, ...settings }, catalog, this.store, clock, this.signals);
  }

  send(reference: unknown, message: unknown, options?: SendOptions): Promise<Answer> {
    const { promise, ...sender } = senderOf();
    try {
      this.engine.send(reference, message, options, sender, asIs);
    } catch (thrown) {
      sender.reject(thrown);
    }
    promise.catch(() => {}); // a test may look at it later than it fails
    return promise;
  }

  get(reference: unknown, options?: GetOptions, query?: string, args?: unknown): Promise<Answer> {
    const { promise, ...sender } = senderOf();
    try {
      this.engine.get(reference, query, args, options, sender, asIs);
    } catch (thrown) {
      sender.reject(thrown);
    }
    promise.catch(() => {});
    return promise;
  }

  destroy(reference: unknown): Promise<Answer> {
    const { promise, ...sender } = senderOf();
    this.engine.destroy(reference, undefined, sender, asIs);
    promise.catch(() => {});
    return promise;
  }

  /** An attempt at a message that came from another node: what this node answers, and whether that is recorded. */
  attempt(sealed: Sealed, attempt: number): Promise<Attempted> {
    const { promise, resolve } = Promise.withResolvers<Attempted>();
    const sender: Sender = {
      resolve: (answer, recorded) => resolve({ answer: answer as Answer, recorded }),
      reject: (error, recorded) => resolve({ error, recorded }),
    };
    this.engine.take(sealed, { attempt, crossed: true }, sender, asIs);
    return promise;
  }

  /** A message as its sender sealed it, now. */
  seal(reference: Reference, message: unknown, options?: SendOptions): Sealed {
    const now = this.clock.monotonicMs();
    this.#sealed += 1;
    const stamp = { messageId: `sealed-${this.#sealed}`, now, sentAt: this.log.now() };
    return sealMessage(reference, message, options, stamp, {
      ...defaults,
      clustered: true,
      catalog: new Catalog([], []),
    });
  }

  /** The records of an entity, as they stand in the log. */
  async records({ id }: Reference): Promise<readonly StoredRecord[]> {
    const key = { id, partition: partitionOf(id, 32) };
    const answer = await new MemoryEventStore(this.clock, this.log).read(key, 1, 10_000, Infinity);
    return answer.kind === "loaded" ? answer.records : [];
  }
}

export interface Attempted {
  readonly answer?: Answer;
  readonly error?: PachydermError;
  readonly recorded: boolean;
}

const asIs = (answer: Answer): Answer => answer;

function senderOf() {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  return { promise, resolve: (answer: unknown) => resolve(answer as Answer), reject };
}

/** What a promise is rejected with; undefined if it is not. */
export async function failureOf(promise: Promise<unknown>): Promise<PachydermError | undefined> {
  try {
    await promise;
    return undefined;
  } catch (thrown) {
    return thrown as PachydermError;
  }
}

/** Waits so many turns of the event loop: enough for a beat of the node without a commit's answer. */
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
