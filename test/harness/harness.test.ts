// The harness does what its verbs say: a fault that does not happen would prove nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { Redis } from "ioredis";
import { afterEach, expect, test } from "vitest";
import { freePort } from "./free-port.ts";
import { TcpProxy } from "./proxy.ts";
import { RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function server(): Promise<RedisServer> {
  const started = await RedisServer.start({ config: { appendfsync: "always" } });
  endings.push(() => started.stop());
  return started;
}

/** A client that answers once for each call, whatever happens to its line. */
function clientOf(port: number): Redis {
  const client = new Redis(port, "127.0.0.1", {
    maxRetriesPerRequest: 0,
    commandTimeout: 1_000,
    retryStrategy: () => 5,
  });
  client.on("error", () => {});
  endings.push(() => client.disconnect());
  return client;
}

async function proxied(): Promise<{ redis: RedisServer; proxy: TcpProxy; client: Redis }> {
  const redis = await server();
  const proxy = await TcpProxy.start(redis.port);
  endings.push(() => proxy.stop());
  const client = clientOf(proxy.port);
  await until("the client is ready", () => client.status === "ready");
  return { redis, proxy, client };
}

test("a killed server comes back on its port, with what it had written", async () => {
  const redis = await server();
  const { port, pid } = redis;
  await redis.ask((client) => client.set("kept", "yes"));
  await redis.kill();
  await expect(redis.ask((client) => client.ping())).rejects.toThrow();
  await redis.restart();
  expect([redis.port, redis.pid === pid]).toEqual([port, false]);
  expect(await redis.ask((client) => client.get("kept"))).toBe("yes");
  expect(await redis.info("aof_enabled")).toBe("1");
});

test("a frozen server is silent until it is thawed", async () => {
  const redis = await server();
  const client = clientOf(redis.port);
  await until("the client is ready", () => client.status === "ready");
  redis.freeze();
  await expect(client.ping()).rejects.toThrow();
  redis.thaw();
  await until("it answers again", async () => (await client.ping()) === "PONG");
});

test("a server whose port was taken in the meantime chooses another one", async () => {
  const first = await server();
  const choices = [first.port, await freePort()];
  const second = await RedisServer.start({ choosePort: async () => choices.shift() ?? freePort() });
  endings.push(() => second.stop());
  expect(second.port).not.toBe(first.port);
  expect(choices).toEqual([]);
});

test("a server that cannot start says why", async () => {
  await expect(RedisServer.start({ config: { "no-such-setting": "1" } })).rejects.toThrow(
    /It said:\n.*no-such-setting/s,
  );
});

test("cut ends the connections, and new ones pass", async () => {
  const { proxy, client } = await proxied();
  const ended = new Promise<void>((resolve) => client.once("close", () => resolve()));
  proxy.cut();
  await ended;
  await until("it answers again", async () => (await client.ping()) === "PONG");
});

test("refuse lets nobody through until heal", async () => {
  const { proxy, client } = await proxied();
  proxy.refuse();
  const stranger = new Redis(proxy.port, "127.0.0.1", { lazyConnect: true, retryStrategy: () => null });
  stranger.on("error", () => {});
  await expect(stranger.connect()).rejects.toThrow();
  proxy.heal();
  await until("it answers again", async () => (await client.ping()) === "PONG");
});

test("a black hole swallows requests, and heal ends what was torn", async () => {
  const { redis, proxy, client } = await proxied();
  proxy.blackhole();
  await expect(client.set("swallowed", "yes")).rejects.toThrow();
  expect(client.status).toBe("ready");
  proxy.heal();
  await until("it answers again", async () => (await client.ping()) === "PONG");
  expect(await redis.ask((direct) => direct.get("swallowed"))).toBeNull();
});

test("loseReplies has the request carried out and its reply lost", async () => {
  const { redis, proxy, client } = await proxied();
  const lost = proxy.loseReplies();
  await expect(client.set("done", "yes")).rejects.toThrow();
  await lost;
  expect(await redis.ask((direct) => direct.get("done"))).toBe("yes");
  await until("it answers again", async () => (await client.ping()) === "PONG");
});

test("no server and no folder outlives a process that was killed", async () => {
  const module = new URL("./redis-server.ts", import.meta.url).href;
  const code = `const { RedisServer } = await import(${JSON.stringify(module)});
    const redis = await RedisServer.start();
    console.log(JSON.stringify({ pid: redis.pid, folder: redis.folder }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  endings.push(() => child.kill("SIGKILL"));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { pid, folder } = JSON.parse(line.toString()) as { pid: number; folder: string };
  expect([isAlive(pid), existsSync(folder)]).toEqual([true, true]);
  child.kill("SIGKILL");
  await until("the server is gone", () => !isAlive(pid));
  await until("its folder is gone", () => !existsSync(folder));
});

/** Signal 0 only asks. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
