// `start` against a Redis that is not as it must be says what is wrong and what to change, within its deadline, and leaves
// nothing open: each runs in a process that must come to its end by itself.

import { createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StartOptions } from "../../src/index.ts";
import { FakeRedis } from "../harness/fake-redis.ts";
import { freePort } from "../harness/free-port.ts";
import { Program } from "../harness/program.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { LATE_MS } from "../harness/rounds.ts";
import type { StarterLine, StarterOrder } from "../programs/starter.ts";

const NETWORK = "start";
const START_MS = 1_500;
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function tryToStart(start: StartOptions): Promise<StarterLine> {
  const order: StarterOrder = { start: { network: NETWORK, startTimeoutMs: START_MS, ...start } };
  const ending = await new Program("starter", order).ended(30_000);
  const { code, stdout, stderr, lingeredMs } = ending;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(lingeredMs).toBeLessThan(LATE_MS);
  return JSON.parse(stdout) as StarterLine;
}

/** In time, and in words. */
function expectRefusal(line: StarterLine, code: string, ...words: readonly string[]): void {
  expect(line).toMatchObject({ started: false, code, outcome: "not-committed" });
  if (line.started) return;
  for (const word of words) expect(line.message).toContain(word);
  expect(line.tookMs).toBeLessThan(START_MS + LATE_MS);
}

async function withServer<T>(
  config: Record<string, string>,
  use: (other: RedisServer) => Promise<T>,
): Promise<T> {
  const other = await RedisServer.start({ config });
  try {
    return await use(other);
  } finally {
    await other.stop();
  }
}

test("a Redis as it should be: no warning", async () => {
  expect(await tryToStart({ redis: server.url })).toEqual({ started: true, warnings: [] });
});

// No old server is at hand here, so these are played: what is shown is that INFO is read and judged.
test.each([
  [{ redis_version: "6.2.14", role: "master" }, ["Redis 6.2.14", "7.0", "upgrade"]],
  [{ redis_version: "7.2.4", valkey_version: "7.1.0", role: "master" }, ["Valkey 7.1.0", "7.2", "upgrade"]],
])("too old: %o", async (info, words) => {
  const fake = await FakeRedis.start(info);
  try {
    expectRefusal(await tryToStart({ redis: fake.url }), "UNSUPPORTED_REDIS", ...words);
    expect(fake.commands).not.toContain("SET");
  } finally {
    await fake.stop();
  }
});

test("a replica", async () => {
  await withServer({ replicaof: `127.0.0.1 ${server.port}` }, async (replica) => {
    expectRefusal(await tryToStart({ redis: replica.url }), "UNSUPPORTED_REDIS", "slave", "master");
  });
});

test("an evicting policy: refused with a maxmemory, a warning without", async () => {
  await withServer({ "maxmemory-policy": "allkeys-lru", maxmemory: "100mb" }, async (evicting) => {
    expectRefusal(
      await tryToStart({ redis: evicting.url }),
      "UNSUPPORTED_REDIS",
      "allkeys-lru",
      "noeviction",
    );
    await evicting.ask((redis) => redis.config("SET", "maxmemory", "0"));
    const line = await tryToStart({ redis: evicting.url });
    expect(line).toMatchObject({ started: true, warnings: [expect.stringContaining("noeviction")] });
  });
});

test("AOF off, and large stream nodes: warnings that say what to set", async () => {
  await withServer({ appendonly: "no", "stream-node-max-bytes": "4096" }, async (careless) => {
    expect(await tryToStart({ redis: careless.url })).toMatchObject({
      started: true,
      warnings: [
        expect.stringContaining("appendonly yes"),
        expect.stringMatching(/stream-node-max-bytes is 4096.*512/),
      ],
    });
  });
});

test("a wrong password, none, and a user that does not exist", async () => {
  await withServer({}, async (locked) => {
    const { port, url } = locked;
    await locked.ask((redis) => redis.config("SET", "requirepass", "right"));
    const wrong = await tryToStart({ redis: `redis://:wrong@127.0.0.1:${port}` });
    expectRefusal(wrong, "UNAUTHORIZED", "password", "WRONGPASS");
    expectRefusal(await tryToStart({ redis: url }), "UNAUTHORIZED", "password", "NOAUTH");
    const user = await tryToStart({ redis: `redis://nobody:right@127.0.0.1:${port}` });
    expectRefusal(user, "UNAUTHORIZED", "user name");
  });
});

test("an ACL user that may not do what is needed", async () => {
  await server.ask((redis) =>
    redis.call("ACL", "SETUSER", "guest", "on", ">pass", "~*", "+@connection", "+info"),
  );
  const guest = await tryToStart({ redis: `redis://guest:pass@127.0.0.1:${server.port}`, network: "guests" });
  expectRefusal(guest, "UNAUTHORIZED", "NOPERM", "ACL");
});

test("an ACL user that may not run scripts, or not ask for the time in them", async () => {
  for (const [user, lacks] of [
    ["scriptless", "-@scripting"],
    ["timeless", "-time"],
  ] as const) {
    await server.ask((redis) => redis.call("ACL", "SETUSER", user, "on", ">pass", "~*", "+@all", lacks));
    const line = await tryToStart({
      redis: `redis://${user}:pass@127.0.0.1:${server.port}`,
      network: "guests",
    });
    expectRefusal(
      line,
      user === "scriptless" ? "UNAUTHORIZED" : "STORE_UNAVAILABLE",
      "run scripts, and TIME in them",
    );
  }
});

test("nobody is there", async () => {
  const line = await tryToStart({ redis: `redis://127.0.0.1:${await freePort()}` });
  expectRefusal(line, "STORE_UNAVAILABLE", "ECONNREFUSED", "check that it runs", `${START_MS} ms`);
});

test("a host name that does not exist", async () => {
  // Its first part is longer than a name's may be: whether there is a name server, and how fast, does not matter.
  const host = `no-such-host-${"x".repeat(60)}.invalid`;
  const line = await tryToStart({ redis: `redis://${host}:6379` });
  expectRefusal(line, "STORE_UNAVAILABLE", "check that it runs", host);
});

test("a port that takes connections and says nothing, and one that is no Redis", async () => {
  await withListener(
    (silent) => silent,
    async (url) => {
      expectRefusal(
        await tryToStart({ redis: url }),
        "STORE_UNAVAILABLE",
        `${START_MS} ms`,
        "check that it runs",
      );
    },
  );
  await withListener(
    (web) => web.on("connection", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    async (url) => {
      expectRefusal(await tryToStart({ redis: url }), "STORE_UNAVAILABLE", `${START_MS} ms`);
    },
  );
});

async function withListener(
  make: (server: Server) => Server,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const listener = make(createServer((socket) => void socket.on("error", () => {})));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  try {
    await use(`redis://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
  } finally {
    listener.close();
  }
}

test("frozen", async () => {
  await withServer({}, async (frozen) => {
    frozen.freeze();
    try {
      expectRefusal(await tryToStart({ redis: frozen.url }), "STORE_UNAVAILABLE", `${START_MS} ms`);
    } finally {
      frozen.thaw();
    }
  });
});

test("another number of partitions, log or lookback than the network's: each difference is named", async () => {
  const network = "settled";
  expect(await tryToStart({ redis: server.url, network })).toMatchObject({ started: true });
  const other = await tryToStart({
    redis: server.url,
    network,
    partitions: 16,
    log: false,
    lookbackMs: 30_000,
  });
  const differences = [
    "partitions is 32, not 16",
    "log is true, not false",
    "lookbackMs is 60000, not 30000",
  ];
  expectRefusal(other, "CONFIG_MISMATCH", network, ...differences);
});

test.each(["[]", "nonsense", "null"])("the settings' key holds %s: CONFIG_MISMATCH", async (text) => {
  const network = "foreign";
  await server.ask((redis) => redis.set(`{${network}:meta}:settings`, text));
  expectRefusal(await tryToStart({ redis: server.url, network }), "CONFIG_MISMATCH");
});

test("the settings' key is of another type", async () => {
  const network = "foreign-list";
  await server.ask((redis) => redis.lpush(`{${network}:meta}:settings`, "x"));
  expectRefusal(await tryToStart({ redis: server.url, network }), "CONFIG_MISMATCH", network);
});
