// Two networks on one Redis, in one process, with the same ids, under load: nothing of one is seen in the other.

import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  defineEffect,
  defineEntity,
  newId,
  Pachyderm,
  type PachydermError,
  schedule,
  tell,
} from "../../src/index.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";

interface Config {
  readonly of: string;
}
interface State {
  readonly of: string;
  readonly adds: number;
  readonly told: number;
  readonly fired: number;
}
type Message =
  | { readonly type: "add"; readonly of: string; readonly to: string }
  | { readonly type: "hear"; readonly of: string }
  | { readonly type: "ring"; readonly of: string };
type Event = { readonly type: "added" | "heard" | "rang"; readonly of: string };

/** What was run, and by whose config: each network gives its own. */
const ran: { readonly of: string; readonly by: string }[] = [];
const note = defineEffect({
  name: "note",
  durable: { attempts: 3 },
  dispatch: ({ of }: { readonly of: string }, config: Config) => void ran.push({ of, by: config.of }),
});
const plain = defineEffect({
  name: "plain",
  dispatch: ({ of }: { readonly of: string }, config: Config) => void ran.push({ of, by: config.of }),
});

/** The same type in both networks, and the same effects: only the network tells them apart. */
const box = defineEntity({
  type: "box",
  snapshot: { every: 10 },
  init: (): State => ({ of: "", adds: 0, told: 0, fired: 0 }),
  handle(message: Message, _, { reference }) {
    const { of } = message;
    if (message.type === "hear") return [{ type: "heard" as const, of }];
    if (message.type === "ring") return [{ type: "rang" as const, of }];
    const effects = [
      note({ of }),
      plain({ of }),
      tell({ type: "box", id: message.to }, { type: "hear", of }),
      schedule({ name: "ring", after: 30, message: { type: "ring", of } }),
    ];
    return { events: [{ type: "added" as const, of }], effects, reply: { id: reference.id } };
  },
  update: ({ type, of }: Event, state: State): State => ({
    of: state.of === "" || state.of === of ? of : `${state.of} and ${of}`,
    adds: state.adds + Number(type === "added"),
    told: state.told + Number(type === "heard"),
    fired: state.fired + Number(type === "rang"),
  }),
});

const NAMES = ["left", "right"] as const;
const COUNTS = { left: rounds(40, 400), right: rounds(25, 250) } as const;
let server: RedisServer;
let client: Redis;
let nodes: Readonly<Record<(typeof NAMES)[number], Pachyderm>>;
const ids = Array.from({ length: 6 }, () => newId());

beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis(server.url);
  const start = (network: string, partitions: number) =>
    Pachyderm.start({
      entities: [box],
      effects: [note, plain],
      redis: server.url,
      network,
      partitions,
      config: { of: network },
    });
  nodes = { left: await start("left", 4), right: await start("right", 8) };
});
afterAll(async () => {
  await Promise.all(NAMES.map((name) => nodes[name].stop()));
  client.disconnect();
  await server.stop();
});

test("events, effects, tells, timers, keys, subscriptions and followers of one are not seen in the other", {
  timeout: 120_000,
}, async () => {
  const [first = ""] = ids;
  const delivered: Record<string, string[]> = { left: [], right: [] };
  const followed: Record<string, string[]> = { left: [], right: [] };
  const ended = new AbortController();
  const following: Promise<void>[] = [];
  for (const name of NAMES) {
    const node = nodes[name];
    await node.subscribe({
      name: "all",
      handle: ({ event }) => void delivered[name]?.push(String(event["of"])),
    });
    const follow = async (): Promise<void> => {
      for await (const { event } of node.follow(box.ref(first), { signal: ended.signal }))
        followed[name]?.push(event.of);
    };
    following.push(follow());
  }
  const work = NAMES.map(async (of) => {
    for (let i = 0; i < COUNTS[of]; i++) {
      const sends = ids.map((id, k) => {
        const to = ids[(k + 1) % ids.length] ?? "";
        // The same keys in both: a receipt of one network is none of the other.
        return nodes[of].send(box.ref(id), { type: "add", of, to }, { idempotencyKey: `key ${i}` });
      });
      for (const { duplicate } of await Promise.all(sends)) expect(duplicate).toBe(false);
    }
  });
  await Promise.all(work);
  for (const of of NAMES) {
    const count = COUNTS[of];
    for (const id of ids) {
      await until(
        `${of}: all is told and rung`,
        async () => {
          const { state } = await nodes[of].get(box.ref(id));
          return state.told === count && state.fired >= 1;
        },
        60_000,
      );
      const { state } = await nodes[of].get(box.ref(id));
      expect(state).toMatchObject({ of, adds: count, told: count });
    }
    await until(
      `${of}: all effects ran`,
      () => ran.filter((one) => one.of === of).length >= 2 * count * ids.length,
      60_000,
    );
    const { version } = await nodes[of].get(box.ref(first));
    await until(`${of}: the follower has seen all`, () => (followed[of]?.length ?? 0) >= version, 30_000);
    await until(
      `${of}: the subscription has seen all`,
      async () => {
        const states = await Promise.all(ids.map((id) => nodes[of].get(box.ref(id))));
        return (delivered[of]?.length ?? 0) >= states.reduce((sum, one) => sum + one.version, 0);
      },
      60_000,
    );
  }
  ended.abort();
  await Promise.allSettled(following);
  for (const of of NAMES) {
    expect(new Set(delivered[of])).toEqual(new Set([of]));
    expect(new Set(followed[of])).toEqual(new Set([of]));
    expect(
      ran.filter((one) => one.of === of && one.by !== of),
      "run by the other's config",
    ).toEqual([]);
    const { entities } = await nodes[of].entities();
    expect(entities.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  }
  const keys = await client.keys("*");
  expect(keys.filter((key) => !/^\{(left|right):/.test(key))).toEqual([]);
});

test("a cursor of one is no cursor of the other, and its settings are its own", async () => {
  const [id = ""] = ids;
  const { cursor } = await nodes.left.get(box.ref(id));
  const refused = nodes.right.get(box.ref(id), undefined, undefined, { atLeast: cursor });
  await expect(refused).rejects.toMatchObject({ code: "INVALID_CURSOR" });
  const wrong = await Pachyderm.start({ redis: server.url, network: "right", partitions: 4 }).catch(
    ({ code }: PachydermError) => code,
  );
  expect(wrong).toBe("CONFIG_MISMATCH");
});

test("an entity that is destroyed in one lives in the other", async () => {
  const [, id = ""] = ids;
  const before = await nodes.right.get(box.ref(id));
  await nodes.left.destroy(box.ref(id));
  await expect(nodes.left.get(box.ref(id))).rejects.toMatchObject({ code: "DESTROYED" });
  expect(await nodes.right.get(box.ref(id))).toEqual(before);
});
