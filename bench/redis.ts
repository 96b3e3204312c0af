// A Redis of our own for one scenario: private, on a port that the system chose, gone afterwards.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { onServerCore } from "./cores.ts";

export type Fsync = "everysec" | "always";

export interface Server {
  readonly port: number;
  readonly url: string;
  readonly fsync: Fsync;
  stop(): Promise<void>;
}

const START_MS = 5_000;
const running = new Map<ChildProcess, string>();

// Ctrl-C, an error and a plain end all come by here: no server and no folder outlives the run.
process.on("exit", () => {
  for (const [child, folder] of running) {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

/** Starts a server as docs/redis.md wants it run; nothing but the bench makes it fork or rewrite. */
export async function startRedis(fsync: Fsync): Promise<Server> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "pachyderm-bench-"));
  const [program = "", ...before] = [...onServerCore(), "redis-server"];
  const child = spawn(program, [...before, ...settings(port, folder, fsync)], { stdio: "ignore" });
  running.set(child, folder);
  const gone = new Promise<void>((done) => {
    child.once("error", () => done());
    child.once("exit", () => done());
  });
  const server: Server = {
    port,
    url: `redis://127.0.0.1:${port}`,
    fsync,
    async stop() {
      child.kill("SIGKILL"); // what it holds is of no use to anyone
      await gone;
      running.delete(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await ready(port);
  } catch (cause) {
    await server.stop();
    throw new Error("redis-server did not start: is version 7 or later on the PATH?", { cause });
  }
  return server;
}

function settings(port: number, folder: string, fsync: Fsync): readonly string[] {
  const lines: Readonly<Record<string, string>> = {
    port: String(port),
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: "yes",
    appendfsync: fsync,
    "auto-aof-rewrite-percentage": "0", // a fork in the middle of a measurement would be measured
    "stream-node-max-bytes": "512",
    "maxmemory-policy": "noeviction",
  };
  return Object.entries(lines).flatMap(([name, value]) => [`--${name}`, value]);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

async function ready(port: number): Promise<void> {
  const started = performance.now();
  const redis = new Redis({ host: "127.0.0.1", port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
  redis.on("error", () => {}); // refused until it listens
  try {
    await Promise.race([
      redis.ping(),
      new Promise((_, reject) => setTimeout(() => reject(new Error("no answer")), START_MS).unref()),
    ]);
  } finally {
    redis.disconnect();
  }
  if (performance.now() - started > START_MS) throw new Error("too slow");
}
