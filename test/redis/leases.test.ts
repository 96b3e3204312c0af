// What only leases on Redis can meet: clocks that jump, answers that come too late, and servers of which some are gone.

import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { systemClock } from "../../src/node/clock.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Lease, LeaseResult } from "../../src/ports/leases.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { openRegistry, type Registry, type RegistryOptions } from "../../src/redis/registry.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";

const NETWORK = "leases";
const PARTITIONS = 64;
const LEASE_MS = 10_000;
/** Less a hundredth and 2 ms. */
const VALID_MS = 9_898;
const CALL_MS = 5_000;

let servers: readonly RedisServer[];
const opened: Registry[] = [];
/** A few for each test. */
let partition = 0;

beforeAll(async () => {
  servers = await Promise.all([RedisServer.start(), RedisServer.start(), RedisServer.start()]);
});
afterEach(async () => {
  partition += 2;
  vi.restoreAllMocks();
  for (const server of servers) server.thaw();
  await Promise.all(
    opened.splice(0).flatMap(({ membership, leases }) => [membership.close(), leases.close()]),
  );
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

async function open(options: Partial<RegistryOptions> = {}): Promise<Registry["leases"]> {
  const registry = await openRegistry({
    redis: servers[0]?.url ?? "",
    network: NETWORK,
    partitions: PARTITIONS,
    leaseMs: LEASE_MS,
    clock: systemClock,
    timeoutMs: 5_000,
    ...options,
  });
  opened.push(registry);
  return registry.leases;
}

function quorum(clock: Clock = systemClock): Promise<Registry["leases"]> {
  return open({ leaseServers: servers.map(({ url }) => url), clock });
}

function soon(clock: Clock = systemClock): number {
  return clock.monotonicMs() + CALL_MS;
}

function heldBy(result: LeaseResult): Lease {
  if (result.kind !== "held") throw new Error(JSON.stringify(result));
  return result.lease;
}

/** Of a quorum that may still be connecting to one of them: a claim that all servers have. */
async function heldByAll(leases: Registry["leases"]): Promise<Lease> {
  const key = new KeySpace(NETWORK, PARTITIONS).lease(partition);
  let lease: Lease | undefined;
  await until("all servers have the claim", async () => {
    if (lease !== undefined) await leases.release(lease, soon());
    lease = heldBy(await leases.acquire(partition, soon()));
    const there = await Promise.all(servers.map((server) => server.ask((client) => client.exists(key))));
    return there.every((count) => count === 1);
  });
  if (lease === undefined) throw new Error("nothing was claimed");
  return lease;
}

/** Takes the claim from one server, as a restart without its keys would. */
async function lose(server: RedisServer | undefined): Promise<void> {
  await server?.ask((client) => client.del(new KeySpace(NETWORK, PARTITIONS).lease(partition)));
}

test("`until` counts from before the question, less the drift", async () => {
  const clock = new VirtualClock();
  const leases = await open({ clock });
  const before = clock.monotonicMs();
  const asked = leases.acquire(partition, soon(clock));
  clock.pass(700);
  const lease = heldBy(await asked);
  expect(lease.until).toBe(before + VALID_MS);
  const again = clock.monotonicMs();
  const extended = leases.extend(lease, soon(clock));
  clock.pass(900);
  expect(heldBy(await extended).until).toBe(again + VALID_MS);
});

test("what is granted when its time has passed is not held, and is given back", async () => {
  const clock = new VirtualClock();
  const leases = await open({ clock });
  const asked = leases.acquire(partition, clock.monotonicMs() + 2 * LEASE_MS);
  clock.pass(VALID_MS);
  expect(await asked).toMatchObject({ kind: "unavailable" });
  const lease = heldBy(await leases.acquire(partition, soon(clock)));
  const extended = leases.extend(lease, clock.monotonicMs() + 2 * LEASE_MS);
  clock.pass(VALID_MS);
  expect(await extended).toMatchObject({ kind: "unavailable" });
  // Of this one its holder knows: it may be extended again.
  heldBy(await leases.extend(lease, soon(clock)));
});

test("one whose time has passed here is extended where nobody else can have had it", async () => {
  const clock = new VirtualClock();
  const leases = await open({ clock });
  const lease = heldBy(await leases.acquire(partition, soon(clock)));
  clock.pass(LEASE_MS);
  expect(heldBy(await leases.extend(lease, soon(clock))).until).toBe(clock.monotonicMs() + VALID_MS);
});

test("a wall clock that jumps changes nothing", async () => {
  const leases = await open();
  const wall = vi.spyOn(Date, "now");
  wall.mockReturnValue(0);
  const lease = heldBy(await leases.acquire(partition, soon()));
  expect(lease.until - systemClock.monotonicMs()).toBeLessThanOrEqual(VALID_MS);
  wall.mockReturnValue(4_000_000_000_000);
  const longer = heldBy(await leases.extend(lease, soon()));
  expect(longer.until).toBeGreaterThanOrEqual(lease.until);
  expect(wall).toHaveBeenCalled();
});

test("of three servers, one frozen: granted, extended, released and taken, and nobody waits for it", async () => {
  const leases = await quorum();
  const other = await quorum();
  // A server that froze before one of them had reached it would be the second one missing, of three.
  for (const one of [leases, other]) await one.release(await heldByAll(one), soon());
  servers[1]?.freeze();
  const began = performance.now();
  const lease = heldBy(await leases.acquire(partition, soon()));
  const longer = heldBy(await leases.extend(lease, soon()));
  expect(await other.acquire(partition, soon())).toEqual({ kind: "taken" });
  await leases.release(longer, soon());
  heldBy(await other.acquire(partition, soon()));
  expect(performance.now() - began, "all together in less than the time of one call").toBeLessThan(CALL_MS);
});

test("of three servers, one dead: start, grant, extend, release; two dead: `unavailable` at once, and it heals", async () => {
  await servers[2]?.kill();
  try {
    const leases = await quorum();
    const other = await quorum();
    const lease = heldBy(await leases.acquire(partition, soon()));
    const longer = heldBy(await leases.extend(lease, soon()));
    expect(await other.acquire(partition, soon())).toEqual({ kind: "taken" });
    await leases.release(longer, soon());
    const theirs = heldBy(await other.acquire(partition, soon()));
    await servers[1]?.kill();
    const began = performance.now();
    expect(await leases.acquire(partition + 1, soon())).toMatchObject({ kind: "unavailable" });
    expect(await other.extend(theirs, soon())).toMatchObject({ kind: "unavailable" });
    await other.release(theirs, soon());
    expect(performance.now() - began, "all together in less than the time of one call").toBeLessThan(CALL_MS);
    await servers[1]?.restart();
    await until("a majority grants again", async () => {
      return (await leases.acquire(partition + 1, soon())).kind === "held";
    });
  } finally {
    await servers[1]?.restart();
    await servers[2]?.restart();
  }
});

test("a claim that one of three lost is extended; that two lost is `taken`, and free for others", async () => {
  const leases = await quorum();
  const other = await quorum();
  const lease = await heldByAll(leases);
  await lose(servers[0]);
  const longer = heldBy(await leases.extend(lease, soon()));
  await lose(servers[1]);
  expect(await leases.extend(longer, soon())).toEqual({ kind: "taken" });
  heldBy(await other.acquire(partition, soon()));
});

test("an extension without a majority frees nothing: those who have it keep it", async () => {
  const leases = await quorum();
  const lease = await heldByAll(leases);
  await lose(servers[0]);
  servers[1]?.freeze();
  expect(await leases.extend(lease, systemClock.monotonicMs() + 300)).toMatchObject({ kind: "unavailable" });
  servers[1]?.thaw();
  await until("a majority has it still", async () => (await leases.extend(lease, soon())).kind === "held");
});

test("a server that refuses to write is no holder: `unavailable`, with its reason", async () => {
  const leases = await open();
  await servers[0]?.ask((client) => client.config("SET", "min-replicas-to-write", 1));
  try {
    const result = await leases.acquire(partition, soon());
    expect(result.kind === "unavailable" && result.reason).toContain("NOREPLICAS");
  } finally {
    await servers[0]?.ask((client) => client.config("SET", "min-replicas-to-write", 0));
  }
  heldBy(await leases.acquire(partition, soon()));
});

test("a server that lost the scripts still says who has it", async () => {
  const leases = await open();
  const lease = heldBy(await leases.acquire(partition, soon()));
  const flush = () => servers[0]?.ask((client) => client.script("FLUSH"));
  await flush();
  expect(await leases.acquire(partition, soon())).toEqual({ kind: "taken" });
  await flush();
  const longer = heldBy(await leases.extend(lease, soon()));
  await flush();
  await leases.release(longer, soon());
  heldBy(await leases.acquire(partition, soon()));
});

test("an even number of lease servers is refused; so is none", async () => {
  for (const leaseServers of [[], servers.slice(0, 2).map(({ url }) => url)]) {
    await expect(open({ leaseServers })).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  }
});
