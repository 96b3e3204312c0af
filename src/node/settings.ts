// Every setting of a node, its default, and what it must be.

import type { AnyEffect } from "../core/effect.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError } from "../core/errors.ts";
import { strayKey } from "../core/known-keys.ts";
import type { Meter } from "../ports/meter.ts";
import type { RedisInput } from "../redis/connection.ts";
import { type ClusterOptions, type ReadClusterOptions, readClusterOptions } from "./cluster-options.ts";

/** How the network's log is kept. */
export interface LogOptions {
  /**
   * Milliseconds that an entry is kept at least, and for as long as a subscription has not passed it. Whoever comes later
   * for older ones is told how much is missing. Left out: for ever.
   */
  readonly keepMs?: number;
}

/** What a node is started with. Everything may be left out. */
export interface StartOptions {
  /** What this node can handle, made by `defineEntity`. */
  readonly entities?: readonly AnyEntity[];
  /** What this node can dispatch, made by `defineEffect`. */
  readonly effects?: readonly AnyEffect[];
  /**
   * A URL (several, comma-separated: a Redis Cluster), ioredis options, or an ioredis `Redis` or `Cluster`, which is
   * duplicated and never closed. Left out: embedded, in this process's memory, gone with it.
   */
  readonly redis?: RedisInput;
  /** A namespace: `[a-z0-9-]{1,40}`. Default `"main"`. */
  readonly network?: string;
  /** Partitions of the network, 1 to 1,024; fixed when the network is made. Default 32. */
  readonly partitions?: number;
  /**
   * Whether the network keeps a log to subscribe to, which is fixed when the network is made; and for how long this node
   * keeps its entries, in the partitions that it owns. Default true.
   */
  readonly log?: boolean | LogOptions;
  /** The longest `timeoutMs` of any send, milliseconds; fixed when the network is made. Default 60,000. */
  readonly lookbackMs?: number;
  /** Milliseconds until a send is answered, where it does not say. Default 5,000. */
  readonly timeoutMs?: number;
  /** Messages of one entity that may wait for their answer. Default 1,024. */
  readonly mailbox?: number;
  /** Entities in memory. Default 10,000. */
  readonly resident?: number;
  /** Milliseconds without a message until an entity leaves memory. Default 300,000. */
  readonly idleMs?: number;
  /** Milliseconds that an idempotency key is remembered. Default 24 hours. */
  readonly keyTtlMs?: number;
  /** Bytes of JSON that one message, event, payload or reply may have. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Effects being dispatched at once. Default 64. */
  readonly effectConcurrency?: number;
  /** Effects that may wait to be dispatched; one more is given up with the signal `effect-failed`. Default 10,000. */
  readonly effectsWaiting?: number;
  /** `"all"`: every effect is durable, at least once; `"defined"`: those that are defined so. Default `"defined"`. */
  readonly durableEffects?: "all" | "defined";
  /** Given to effects whose sender gave no config. Default undefined. */
  readonly config?: unknown;
  /** Other nodes of the network are known, and an entity's messages go to the one that owns it. Left out: unclustered. */
  readonly cluster?: ClusterOptions;
  /** Whether this node hosts entities; `false`: it only sends to the nodes that do. Default true. */
  readonly host?: boolean;
  /** Counts what the node does, such as the `Metrics` of `pachyderm/http`. Default undefined. */
  readonly meter?: Meter;
  /** Milliseconds until `start` gives up. Default 10,000. */
  readonly startTimeoutMs?: number;
  /** Milliseconds until `stop` gives up waiting for what was taken. Default 10,000. */
  readonly stopTimeoutMs?: number;
}

/** What may be missing when all defaults are in. */
type WithoutDefault = "redis" | "config" | "cluster" | "meter";

export type Settings = Required<Omit<StartOptions, WithoutDefault | "log">> &
  Pick<StartOptions, Exclude<WithoutDefault, "cluster">> & {
    readonly cluster?: ReadClusterOptions;
    readonly log: boolean;
    /** Milliseconds that an entry of the log is kept at least. Left out: for ever. */
    readonly logKeepMs?: number;
  };

const defaults = {
  entities: [],
  effects: [],
  network: "main",
  partitions: 32,
  log: true,
  lookbackMs: 60_000,
  timeoutMs: 5_000,
  mailbox: 1_024,
  resident: 10_000,
  idleMs: 300_000,
  keyTtlMs: 86_400_000,
  maxMessageBytes: 1_048_576,
  effectConcurrency: 64,
  effectsWaiting: 10_000,
  durableEffects: "defined",
  host: true,
  startTimeoutMs: 10_000,
  stopTimeoutMs: 10_000,
} as const;

/** Least and most of what must be a whole number. */
const ranges = {
  partitions: [1, 1_024],
  lookbackMs: [100, 3_600_000],
  timeoutMs: [1, 3_600_000],
  mailbox: [1, 1_000_000],
  resident: [1, 100_000_000],
  idleMs: [1, Number.MAX_SAFE_INTEGER],
  keyTtlMs: [1_000, 31_536_000_000],
  maxMessageBytes: [1_024, 67_108_864],
  effectConcurrency: [1, 100_000],
  effectsWaiting: [1, 100_000_000],
  startTimeoutMs: [1, 3_600_000],
  stopTimeoutMs: [0, 3_600_000],
} as const satisfies Partial<Record<keyof StartOptions, readonly [number, number]>>;

const known = [...Object.keys(defaults), "redis", "config", "cluster", "meter"];

/** @throws PachydermError INVALID_OPTIONS */
export function readSettings(options: StartOptions): Settings {
  if (typeof options !== "object" || options === null)
    throw invalid("Pachyderm.start takes an object of options");
  const stray = strayKey(options, known);
  if (stray !== undefined) throw invalid(stray);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const { cluster, log, ...plain }: StartOptions = { ...defaults, ...given };
  const settings = {
    ...plain,
    ...readLog(log),
    ...(cluster === undefined ? {} : { cluster: readClusterOptions(cluster) }),
  } as Settings;
  for (const [name, [least, most]] of Object.entries(ranges)) {
    const value: unknown = settings[name as keyof typeof ranges];
    if (!Number.isSafeInteger(value) || Number(value) < least || Number(value) > most) {
      throw invalid(`${name} is a whole number from ${least} to ${most}`);
    }
  }
  if (typeof settings.network !== "string" || !/^[a-z0-9-]{1,40}$/.test(settings.network)) {
    throw invalid("network is 1 to 40 of the characters a-z, 0-9 and -");
  }
  if (settings.durableEffects !== "all" && settings.durableEffects !== "defined")
    throw invalid('durableEffects is "all" or "defined"');
  if (typeof settings.host !== "boolean") throw invalid("host is true or false");
  if (cluster !== undefined && settings.redis === undefined)
    throw invalid("a cluster needs redis: its nodes meet there");
  if (!settings.host && cluster === undefined)
    throw invalid("host: false needs cluster: somebody must host the entities");
  checkMeter(settings.meter);
  if (settings.timeoutMs > settings.lookbackMs) throw invalid("timeoutMs is at most lookbackMs");
  checkDefinitions(settings);
  return settings;
}

function readLog(log: unknown): Pick<Settings, "log" | "logKeepMs"> {
  if (typeof log === "boolean") return { log };
  if (typeof log !== "object" || log === null) throw invalid("log is true, false or { keepMs }");
  const stray = strayKey(log, ["keepMs"]);
  if (stray !== undefined) throw invalid(`log: ${stray}`);
  const { keepMs } = log as { readonly keepMs?: unknown };
  if (keepMs === undefined) return { log: true };
  if (!Number.isSafeInteger(keepMs) || Number(keepMs) < 1)
    throw invalid("log.keepMs is a whole number from 1 on");
  return { log: true, logKeepMs: Number(keepMs) };
}

function checkDefinitions({ entities, effects }: Settings): void {
  if (!Array.isArray(entities) || !entities.every(isEntity))
    throw invalid("entities is an array of what defineEntity made");
  if (!Array.isArray(effects) || !effects.every(isEffect))
    throw invalid("effects is an array of what defineEffect made");
}

function checkMeter(meter: unknown): void {
  if (meter === undefined) return;
  const sound = typeof meter === "object" && meter !== null && meterParts.every((part) => part in meter);
  if (!sound) throw invalid(`meter has the functions ${meterParts.join(", ")}`);
}

const meterParts = [
  "ended",
  "called",
  "batched",
  "conflicted",
  "diverged",
  "forwarded",
  "handledForAnother",
] as const satisfies readonly (keyof Meter)[];

/** Made by `defineEntity`, of this copy of the package or another. */
export function isEntity(value: unknown): value is AnyEntity {
  return (
    typeof value === "object" && value !== null && "handle" in value && "formerly" in value && "ref" in value
  );
}

/** Made by `defineEffect`, of this copy of the package or another. */
export function isEffect(value: unknown): value is AnyEffect {
  return typeof value === "function" && "dispatch" in value;
}

function invalid(message: string): PachydermError {
  return new PachydermError("INVALID_OPTIONS", message);
}
