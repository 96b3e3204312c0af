// The Redis of this demo: the one that PACHYDERM_REDIS_URL names, else a private one that is gone afterwards.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";

export interface DemoRedis {
  readonly url: string;
  /** Where it is, in words. */
  readonly place: string;
  /** Leaves nothing behind: stops the private one, or removes the keys of this run's network. */
  tidy(network: string): Promise<void>;
}

export async function demoRedis(): Promise<DemoRedis> {
  const url = process.env["PACHYDERM_REDIS_URL"];
  if (url === undefined || url === "") return await privateRedis();
  if (url.includes(","))
    throw new Error("the demo takes the URL of one Redis, and PACHYDERM_REDIS_URL names several");
  const place = `${withoutPassword(url)} (PACHYDERM_REDIS_URL)`;
  return { url, place, tidy: (network) => removeKeys(url, network) };
}

function withoutPassword(url: string): string {
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

async function removeKeys(url: string, network: string): Promise<void> {
  const redis = new Redis(url);
  try {
    for await (const keys of redis.scanStream({ match: `{${network}:*`, count: 1000 })) {
      if (Array.isArray(keys) && keys.length > 0) await redis.unlink(keys.map(String));
    }
  } finally {
    await redis.quit();
  }
}

async function privateRedis(): Promise<DemoRedis> {
  const folder = await mkdtemp(join(tmpdir(), "pachyderm-demo-"));
  const port = await freePort();
  const settings = {
    port,
    bind: "127.0.0.1",
    dir: folder,
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
    "maxmemory-policy": "noeviction",
    "stream-node-max-bytes": 512,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn("redis-server", args, {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true, // Ctrl-C is for the demo, which stops the server when it has stopped writing
  });
  await ready(server);
  return {
    url: `redis://127.0.0.1:${port}`,
    place: `a private redis-server on 127.0.0.1:${port}, AOF everysec`,
    async tidy() {
      if (server.exitCode === null && server.signalCode === null) {
        server.kill("SIGTERM");
        await once(server, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A port that was free a moment ago; should another take it first, redis-server says so and the demo ends. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  return address.port;
}

async function ready(server: ChildProcess): Promise<void> {
  if (server.stdout === null) throw new Error("redis-server has no output to wait for");
  const said: string[] = [];
  for await (const line of createInterface({ input: server.stdout })) {
    said.push(line);
    if (line.includes("Ready to accept connections")) {
      server.stdout.resume(); // or it would stop when the pipe is full
      return;
    }
  }
  throw new Error(`redis-server did not start:\n${said.join("\n")}`);
}
