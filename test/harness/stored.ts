// What a Redis holds, as data: taken out for golden files, and put back.

import type { Redis } from "ioredis";

/** By key: a stream's entries, a hash's fields, a sorted set's scores by member, or a text. */
export type Stored = Readonly<Record<string, StoredValue>>;

export type StoredValue =
  | { readonly stream: readonly (readonly [id: string, ...fields: string[]])[] }
  | { readonly hash: Readonly<Record<string, string>> }
  | { readonly zset: Readonly<Record<string, string>> }
  | { readonly text: string };

/** All keys that begin so, in their order. */
export async function takeStored(client: Redis, prefix: string): Promise<Stored> {
  const keys = (await client.keys("*")).filter((key) => key.startsWith(prefix)).sort();
  const values = await Promise.all(keys.map(async (key) => [key, await storedAt(client, key)] as const));
  return Object.fromEntries(values);
}

export async function putStored(client: Redis, stored: Stored): Promise<void> {
  for (const [key, value] of Object.entries(stored)) {
    if ("stream" in value) for (const [id, ...fields] of value.stream) await client.xadd(key, id, ...fields);
    else if ("hash" in value) await client.hset(key, value.hash);
    else if ("zset" in value)
      for (const [member, score] of Object.entries(value.zset)) await client.zadd(key, score, member);
    else await client.set(key, value.text);
  }
}

async function storedAt(client: Redis, key: string): Promise<StoredValue> {
  const type = await client.type(key);
  if (type === "stream")
    return { stream: (await client.xrange(key, "-", "+")).map(([id, fields]) => [id, ...fields]) };
  if (type === "hash") return { hash: await client.hgetall(key) };
  if (type === "zset") {
    const flat = await client.zrange(key, "0", "-1", "WITHSCORES");
    return {
      zset: Object.fromEntries(
        flat.flatMap((member, i) => (i % 2 === 0 ? [[member, flat[i + 1] ?? ""]] : [])),
      ),
    };
  }
  if (type === "string") return { text: (await client.get(key)) ?? "" };
  throw new Error(`${key} is a ${type}, which nothing here writes`);
}
