// How BullMQ adds a job: its scripts, captured once, and the keys and arguments of each job, as it makes them.

import type { KeysMap, RedisQueueBackend } from "bullmq";
import { PachydermError, reasonOf } from "../core/errors.ts";
import type { NewJob } from "../ports/event-store.ts";
import { loadBull } from "./bull.ts";
import { BullRecorder } from "./bull-recorder.ts";

/** BullMQ's queue in each partition. */
export const QUEUE = "effects";

/** What BullMQ keeps under each key of a queue that adding a job touches. */
const TYPES: Readonly<Record<string, string>> = {
  wait: "list",
  paused: "list",
  active: "list",
  meta: "hash",
  id: "string",
  completed: "zset",
  delayed: "zset",
  events: "stream",
  marker: "zset",
};

/** The ways in which a job is added, each by a script of its own. */
export type Way = "now" | "later";

export interface WayOfAdding {
  readonly way: Way;
  readonly lua: string;
  /** Places in {@link BullAdds.keys} of the keys that its script wants, from 0. */
  readonly order: readonly number[];
}

/** What jobs have in common that come of one effect, as the commit script wants it. */
export interface JobSort {
  readonly way: Way;
  readonly name: string;
  /** MessagePack, as BullMQ has packed it. */
  readonly options: Uint8Array;
}

/** What BullMQ wants told of every job, and does not store. */
const UNBEGUN = {
  progress: 0,
  attemptsMade: 0,
  attemptsStarted: 0,
  stalledCounter: 0,
  failedReason: "",
  returnvalue: "",
};
const PROBE = "{probe}";
const ARGUMENTS = 3;
/** Sorts that are kept: there are few, but a `tell` may be given any delay. */
const MOST_SORTS = 1_000;

export class BullAdds {
  readonly ways: readonly WayOfAdding[];
  /** Keys of a queue that adding a job touches: their names behind the queue's own, and what they hold. */
  readonly keys: readonly { readonly name: string; readonly type: string }[];
  readonly #backend: RedisQueueBackend;
  readonly #recorder: BullRecorder;
  readonly #keysOf: (prefix: string) => KeysMap;
  readonly #maps = new Map<string, KeysMap>();
  readonly #sorts = new Map<string, JobSort>();

  private constructor(
    backend: RedisQueueBackend,
    recorder: BullRecorder,
    keysOf: (prefix: string) => KeysMap,
  ) {
    this.#backend = backend;
    this.#recorder = recorder;
    this.#keysOf = keysOf;
    const now = this.#capture("now", 0);
    const later = this.#capture("later", 1);
    const names = [...new Set([...now.names, ...later.names])];
    this.keys = names.map((name) => ({ name, type: typeOf(name) }));
    this.ways = [now, later].map(({ way, lua, names: wanted }) => ({
      way,
      lua,
      order: wanted.map((name) => names.indexOf(name)),
    }));
  }

  /** @throws PachydermError INVALID_OPTIONS if the BullMQ that is installed adds jobs in another way */
  static async load(): Promise<BullAdds> {
    const { QueueKeys, RedisConnection, RedisQueueBackend } = await loadBull();
    const recorder = new BullRecorder();
    const connection = new RedisConnection(recorder, {
      shared: true,
      blocking: false,
      skipVersionCheck: true,
    });
    const keysOf = (prefix: string): KeysMap => new QueueKeys(prefix).getKeys(QUEUE);
    try {
      await connection.client;
      const toKey = (type: string): string => new QueueKeys(PROBE).toKey(QUEUE, type);
      const backend = new RedisQueueBackend(connection, QUEUE, keysOf(PROBE), toKey, {
        connection: recorder,
      });
      return new BullAdds(backend, recorder, keysOf);
    } catch (thrown) {
      const message = `the bullmq that is installed cannot add jobs within a commit: ${reasonOf(thrown)}; install the version that Pachyderm names`;
      throw new PachydermError("INVALID_OPTIONS", message, { cause: thrown });
    }
  }

  /** The keys of a queue, in the order of {@link keys}. @param prefix of the queue's partition */
  queueKeys(prefix: string): readonly string[] {
    const map = this.#mapOf(prefix);
    return this.keys.map(({ name }) => map[name] ?? "");
  }

  /** The job's own key. */
  jobKey(prefix: string, id: string): string {
    return `${prefix}:${QUEUE}:${id}`;
  }

  /** Made by BullMQ once for each sort, and not for each job: that takes it longer than all else of a commit. */
  sortOf(job: NewJob): JobSort {
    const { name, attempts, backoffMs, delayMs } = job;
    const own = `${attempts} ${backoffMs} ${delayMs} ${name}`;
    let sort = this.#sorts.get(own);
    if (sort === undefined) {
      const { args } = this.#call(PROBE, job);
      const options = args.at(-1) as Uint8Array;
      sort = { way: delayMs > 0 ? "later" : "now", name, options };
      if (this.#sorts.size >= MOST_SORTS) this.#sorts.clear();
      this.#sorts.set(own, sort);
    }
    return sort;
  }

  #call(prefix: string, job: NewJob) {
    const { id, name, data, at: timestamp, attempts, backoffMs, delayMs } = job;
    const opts = {
      attempts,
      backoff: { type: "exponential", delay: backoffMs },
      removeOnComplete: true,
      removeOnFail: false,
      stackTraceLimit: 0, // it would be that of our own worker
      ...(delayMs > 0 ? { delay: delayMs } : {}),
    };
    // It calls the client before it awaits anything. What it makes of the answer is nobody's concern.
    const adding = this.#backend.addJobToTransaction(
      this.#recorder,
      { ...UNBEGUN, id, name, data, opts, timestamp },
      id,
      {},
      this.#mapOf(prefix),
    );
    adding.catch(() => {});
    return this.#recorder.take();
  }

  /** How the installed BullMQ adds a job in one way: by which script, with which keys. */
  #capture(way: Way, delayMs: number) {
    const probe = { id: "probe-0", name: "probe", data: "{}", attempts: 1, backoffMs: 0, delayMs, at: 1 };
    const { name, args } = this.#call(PROBE, probe);
    const script = this.#recorder.scripts.get(name);
    if (script === undefined) throw new Error(`it calls ${name}, and has not defined it`);
    if (args.length !== script.numberOfKeys + ARGUMENTS) throw new Error(`${name} has other arguments`);
    const [packed, data, options] = args.slice(-ARGUMENTS);
    if (!(packed instanceof Uint8Array && data === "{}" && options instanceof Uint8Array))
      throw new Error(`the arguments of ${name} are of another kind`);
    const begin = `${PROBE}:${QUEUE}:`;
    // The script is given these unpacked (commit-jobs.lua): they must be what they are taken for there.
    const wanted = [
      ARRAY_OF_10,
      textOf(begin),
      textOf(probe.id),
      textOf(probe.name),
      Buffer.of(probe.at),
      SIX_NILS,
    ];
    if (Buffer.compare(Buffer.concat(wanted), packed) !== 0) throw new Error(`${name} packs another thing`);
    const names = args.slice(0, script.numberOfKeys).map((key) => {
      if (typeof key !== "string" || !key.startsWith(begin)) throw new Error(`${name} has other keys`);
      return key.slice(begin.length);
    });
    return { way, lua: script.lua, names };
  }

  #mapOf(prefix: string): KeysMap {
    let map = this.#maps.get(prefix);
    if (map === undefined) {
      map = this.#keysOf(prefix);
      this.#maps.set(prefix, map);
    }
    return map;
  }
}

/** Source: MessagePack specification, "fixarray", "fixstr" (of fewer than 32 bytes), "nil". */
const ARRAY_OF_10 = Buffer.of(0x9a);
const SIX_NILS = Buffer.alloc(6, 0xc0);

function textOf(text: string): Buffer {
  return Buffer.concat([Buffer.of(0xa0 + text.length), Buffer.from(text)]);
}

function typeOf(name: string): string {
  const type = TYPES[name];
  if (type === undefined) throw new Error(`it adds to ${name}, of which nothing is known here`);
  return type;
}
