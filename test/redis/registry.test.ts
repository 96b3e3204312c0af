// Opening and closing what membership and leases stand on: in time, in words, and with nothing left behind.

import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Member } from "../../src/core/member.ts";
import { systemClock } from "../../src/node/clock.ts";
import { metaKey } from "../../src/redis/keys.ts";
import { membersScript } from "../../src/redis/members.ts";
import { openRegistry, type Registry } from "../../src/redis/registry.ts";
import { freePort } from "../harness/free-port.ts";
import { Program } from "../harness/program.ts";
import { TcpProxy } from "../harness/proxy.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { LATE_MS } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import type { RegistrarLine, RegistrarOrder } from "../programs/registrar.ts";

const OPEN_MS = 1_000;

let server: RedisServer;
let other: RedisServer;
const opened: Registry[] = [];

beforeAll(async () => {
  [server, other] = await Promise.all([RedisServer.start(), RedisServer.start()]);
});
afterEach(async () => {
  other.thaw();
  await Promise.all(
    opened.splice(0).flatMap(({ membership, leases }) => [membership.close(), leases.close()]),
  );
});
afterAll(() => Promise.all([server.stop(), other.stop()]));

async function open(redis: string, network: string): Promise<Registry> {
  const clock = systemClock;
  const registry = await openRegistry({
    redis,
    network,
    partitions: 4,
    leaseMs: 2_000,
    clock,
    timeoutMs: 5_000,
  });
  opened.push(registry);
  return registry;
}

function soon(): number {
  return systemClock.monotonicMs() + 5_000;
}

const member: Member = {
  id: "a",
  address: "10.0.0.1:7946",
  http: null,
  since: 1,
  protocol: 1,
  code: "1",
  types: [],
  effects: [],
  partitions: [],
  leaving: false,
};

async function tryToOpen(order: Partial<RegistrarOrder>): Promise<RegistrarLine> {
  const whole: RegistrarOrder = {
    redis: server.url,
    leaseServers: [server.url],
    timeoutMs: OPEN_MS,
    ...order,
  };
  const ending = await new Program("registrar", whole).ended(30_000);
  const { code, stdout, stderr, lingeredMs } = ending;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(lingeredMs).toBeLessThan(LATE_MS);
  return JSON.parse(stdout) as RegistrarLine;
}

function expectRefusal(line: RegistrarLine, code: string, word: string): void {
  expect(line).toMatchObject({ opened: false, code });
  if (line.opened) return;
  expect(line.message).toContain(word);
  expect(line.tookMs).toBeLessThan(OPEN_MS + LATE_MS);
}

test("opened, used and closed: nothing is left, with a dead and a frozen lease server too", async () => {
  const used = { opened: true, seen: "seen", lease: "held" };
  expect(await tryToOpen({})).toEqual(used);
  const dead = `redis://127.0.0.1:${await freePort()}`;
  expect(await tryToOpen({ leaseServers: [server.url, other.url, dead] })).toEqual(used);
  other.freeze();
  const third = await RedisServer.start();
  try {
    expect(await tryToOpen({ leaseServers: [server.url, third.url, other.url] })).toEqual(used);
  } finally {
    await third.stop();
  }
});

test("what cannot be opened says so in time, and leaves nothing", async () => {
  const dead = `redis://127.0.0.1:${await freePort()}`;
  expectRefusal(await tryToOpen({ redis: dead }), "STORE_UNAVAILABLE", "ECONNREFUSED");
  expectRefusal(
    await tryToOpen({ leaseServers: [server.url, dead, dead] }),
    "STORE_UNAVAILABLE",
    "ECONNREFUSED",
  );
  other.freeze();
  expectRefusal(await tryToOpen({ redis: other.url }), "STORE_UNAVAILABLE", "could not be reached");
  const wrong = server.url.replace("//", "//nobody:wrong@");
  expectRefusal(await tryToOpen({ redis: wrong }), "UNAUTHORIZED", "password");
  expectRefusal(await tryToOpen({ leaseServers: [wrong] }), "UNAUTHORIZED", "password");
});

test("a user who may not hear hints is told so at the start", async () => {
  await server.ask((client) =>
    client.acl("SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels"),
  );
  const deaf = server.url.replace("//", "//deaf:secret@");
  expectRefusal(await tryToOpen({ redis: deaf }), "UNAUTHORIZED", "NOPERM");
  await server.ask((client) => client.acl("SETUSER", "deaf", `&${metaKey("registrar", "nudge")}`));
  expect(await tryToOpen({ redis: deaf })).toMatchObject({ opened: true });
});

test("nothing is told twice: who is there comes only when it changed, and an emptied Redis is a change", async () => {
  const network = "rolls";
  const { membership } = await open(server.url, network);
  const client = new Redis(server.url);
  try {
    await membership.announce(member, 60_000, soon());
    const keys = [metaKey(network, "nodes"), metaKey(network, "beats")];
    const look = (known: string) => membersScript.run(client, keys, ["look", "", "", "", known]);
    const [, digest, members] = (await look("")) as [string, string, string[]];
    expect(members).toHaveLength(1);
    expect(await look(digest)).toHaveLength(2);
    await membership.announce({ ...member, leaving: true }, 60_000, soon());
    expect(await look(digest)).toHaveLength(3);
    await client.del(...keys);
    expect(await membership.look(soon())).toMatchObject({ kind: "seen", members: [] });
    await membership.announce(member, 60_000, soon());
    expect(await membership.look(soon())).toMatchObject({ members: [member] });
  } finally {
    client.disconnect();
  }
});

test("a beat says until when, and of those who left or whose time has passed nothing is left", async () => {
  const network = "beats";
  const { membership } = await open(server.url, network);
  const left = (key: "nodes" | "beats"): Promise<number> =>
    server.ask((client) =>
      key === "nodes" ? client.hlen(metaKey(network, key)) : client.zcard(metaKey(network, key)),
    );
  const seen = await membership.announce(member, 3_000, soon());
  const beat = await server.ask((client) => client.zscore(metaKey(network, "beats"), member.id));
  expect(Number(beat)).toBe((seen.kind === "seen" ? seen.now : 0) + 3_000);
  await membership.announce({ ...member, id: "b" }, 50, soon());
  expect([await left("nodes"), await left("beats")]).toEqual([2, 2]);
  await membership.leave(member.id, soon());
  await until("the other one has vanished", async () => {
    const after = await membership.look(soon());
    return after.kind === "seen" && after.members.length === 0;
  });
  expect([await left("nodes"), await left("beats")]).toEqual([0, 0]);
});

test("keys that are not ours: `unavailable` with the reason, and well again without them", async () => {
  const network = "spoilt";
  const { membership } = await open(server.url, network);
  await server.ask((client) => client.set(metaKey(network, "nodes"), "something else"));
  const seen = await membership.announce(member, 60_000, systemClock.monotonicMs() + 1_000);
  expect(seen.kind === "unavailable" && seen.reason).toContain("WRONGTYPE");
  await server.ask((client) => client.del(metaKey(network, "nodes")));
  expect(await membership.announce(member, 60_000, soon())).toMatchObject({ members: [member] });
});

test("a line for hints that went silent, as behind a firewall that forgot it, is made anew", async () => {
  const proxy = await TcpProxy.start(server.port);
  try {
    const { membership } = await open(proxy.url, "silent");
    const lines = () => server.ask(async (client) => (await client.client("LIST")) as string);
    expect(await lines()).toContain("name=pachyderm:nudges");
    const missed = new Promise<void>((resolve) => membership.onNudge(resolve));
    proxy.forget();
    await missed;
    let heard = 0;
    membership.onNudge(() => {
      heard += 1;
    });
    await until("a nudge arrives", () => {
      membership.nudge();
      return heard > 0;
    });
  } finally {
    await proxy.stop();
  }
});

test("on a cluster hints find another way when their master is gone", async () => {
  const cluster = await RedisCluster.start({ config: { "cluster-require-full-coverage": "no" } });
  try {
    const { membership } = await open(cluster.url, "cluster-hints");
    const counts = await Promise.all(
      cluster.masters.map((master) =>
        master.ask(async (client) => {
          const [, count] = (await client.pubsub("NUMSUB", metaKey("cluster-hints", "nudge"))) as [
            string,
            number,
          ];
          return count;
        }),
      ),
    );
    expect(counts.toSorted()).toEqual([0, 0, 1]);
    const missed = new Promise<void>((resolve) => membership.onNudge(resolve));
    await cluster.masters[counts.indexOf(1)]?.kill();
    await missed;
    let heard = false;
    membership.onNudge(() => {
      heard = true;
    });
    await until("a nudge arrives", () => {
      membership.nudge();
      return heard;
    });
  } finally {
    await cluster.stop();
  }
});
