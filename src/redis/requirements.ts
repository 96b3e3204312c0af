// What a Redis must be to keep the promises, judged from what INFO and CONFIG GET say. Pure: a table of facts in,
// findings out, each saying what to change.

/** As read from INFO; undefined where the server does not say (some hosted ones hide parts of it). */
export interface ServerFacts {
  /** `redis_version`, or `valkey_version` where there is one. */
  readonly version: string | undefined;
  readonly isValkey: boolean;
  readonly role: string | undefined;
  readonly maxmemoryPolicy: string | undefined;
  readonly maxmemory: number | undefined;
  readonly aofEnabled: boolean | undefined;
  readonly streamNodeMaxBytes: number | undefined;
}

export interface Finding {
  readonly about: Requirement;
  /** `refuse`: promises would be broken. `warn`: they hold, at a price that should be known. */
  readonly level: "refuse" | "warn";
  readonly sentence: string;
}

/** Null where WAITAOF can be asked; else what is missing. */
export function fsyncRefusal({ version, isValkey, aofEnabled }: ServerFacts): string | null {
  if (aofEnabled === false) return 'durability "fsync" needs an AOF: set appendonly yes';
  if (version === undefined || isValkey) return null;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 7 || (major === 7 && minor >= 2)) return null;
  return `durability "fsync" needs WAITAOF, of Redis 7.2 or Valkey 7.2 and later; this is Redis ${version}`;
}

/** What is judged, by the name that Redis has for it. */
export const requirements = [
  "version",
  "role",
  "maxmemory-policy",
  "appendonly",
  "stream-node-max-bytes",
] as const;
export type Requirement = (typeof requirements)[number];

export function judge(facts: ServerFacts): readonly Finding[] {
  return [tooOld(facts), isReplica(facts), evicts(facts), forgets(facts), wastes(facts)].filter(
    (f) => f !== undefined,
  );
}

function tooOld({ version, isValkey }: ServerFacts): Finding | undefined {
  const [least, name] = isValkey ? [[7, 2] as const, "Valkey"] : [[7, 0] as const, "Redis"];
  if (version === undefined) return undefined;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > least[0] || (major === least[0] && minor >= least[1])) return undefined;
  return refuse(
    "version",
    `this is ${name} ${version}; ${least.join(".")} or later is needed: upgrade the server`,
  );
}

function isReplica({ role }: ServerFacts): Finding | undefined {
  if (role === undefined || role === "master") return undefined;
  return refuse(
    "role",
    `this server is a ${role}: give the address of the master, or of the Sentinels that know it`,
  );
}

function evicts({ maxmemoryPolicy, maxmemory }: ServerFacts): Finding | undefined {
  if (maxmemoryPolicy === undefined || maxmemoryPolicy === "noeviction") return undefined;
  const sentence = `maxmemory-policy is ${maxmemoryPolicy}, which deletes events when memory is short: set it to noeviction`;
  return maxmemory === 0
    ? warn("maxmemory-policy", `${sentence} (there is no maxmemory, so nothing is deleted yet)`)
    : refuse("maxmemory-policy", sentence);
}

function forgets({ aofEnabled }: ServerFacts): Finding | undefined {
  if (aofEnabled !== false) return undefined;
  return warn(
    "appendonly",
    "appendonly is no: a crash of Redis loses everything since the last RDB file; set appendonly yes",
  );
}

function wastes({ streamNodeMaxBytes }: ServerFacts): Finding | undefined {
  if (streamNodeMaxBytes === undefined || (streamNodeMaxBytes > 0 && streamNodeMaxBytes <= 1024))
    return undefined;
  return warn(
    "stream-node-max-bytes",
    `stream-node-max-bytes is ${streamNodeMaxBytes}, so each entity takes that much at least; set it to 512`,
  );
}

function refuse(about: Requirement, sentence: string): Finding {
  return { about, level: "refuse", sentence };
}

function warn(about: Requirement, sentence: string): Finding {
  return { about, level: "warn", sentence };
}

/** INFO's text as facts. */
export function readInfo(info: string): ServerFacts {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const valkey = field("valkey_version");
  const maxmemory = field("maxmemory");
  const aof = field("aof_enabled");
  return {
    version: valkey ?? field("redis_version"),
    isValkey: valkey !== undefined,
    role: field("role"),
    maxmemoryPolicy: field("maxmemory_policy"),
    maxmemory: maxmemory === undefined ? undefined : Number(maxmemory),
    aofEnabled: aof === undefined ? undefined : aof === "1",
    streamNodeMaxBytes: undefined,
  };
}
