// What one writes with ioredis and BullMQ: the event is appended, and then a job is added. Between the two a crash loses
// the job, which is what the commit with jobs is for.

import { readFileSync } from "node:fs";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import type { Line, Stage } from "../line.ts";
import type { Server } from "../redis.ts";
import { INCREASED } from "./event.ts";
import { plainLine } from "./plain.ts";

const OPTIONS = { attempts: 8, backoff: { type: "exponential", delay: 500 }, removeOnComplete: true };

/** Appends, then adds; nobody works on the queue. */
export const queueAddLine: Line = {
  name: "ioredis, then Queue.add",
  async open(server: Server): Promise<Stage> {
    const plain = await plainLine.open(server);
    const connection = new Redis(server.url, { maxRetriesPerRequest: null });
    const queue = new Queue("effects", { connection, prefix: "{bench}" });
    await queue.waitUntilReady();
    return {
      async send(id) {
        const count = await plain.send(id);
        await queue.add("mark", { id, n: 1 }, OPTIONS);
        return count;
      },
      count: (id) => plain.count(id),
      async close() {
        await plain.close();
        await queue.close();
        connection.disconnect();
      },
    };
  },
};

const APPEND = readFileSync(new URL("compare-append.lua", import.meta.url), "utf8");

/** A job for each message: it is done when a worker has appended to the stream that it names. */
export async function openJobPerMessage(server: Server) {
  const connection = new Redis(server.url, { maxRetriesPerRequest: null });
  const appends = new Redis(server.url);
  const queue = new Queue("messages", { connection, prefix: "{bench}" });
  const script = String(await appends.script("LOAD", APPEND));
  const versions = new Map<string, number>();
  const waiting = new Map<string, () => void>();
  const worker = new Worker<{ readonly to: string; readonly key: string }>(
    "messages",
    async ({ data: { to, key } }) => {
      const version = versions.get(to) ?? 0;
      versions.set(to, version + 1);
      await appends.evalsha(script, 1, to, `${version}-0`, `${version + 1}-0`, INCREASED);
      waiting.get(key)?.();
    },
    { connection, prefix: "{bench}", concurrency: 64 },
  );
  await worker.waitUntilReady();
  return {
    async tell(to: string, key: string): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(key, resolve);
      await queue.add("message", { to, key }, OPTIONS);
      await promise;
      waiting.delete(key);
    },
    async close(): Promise<void> {
      await worker.close();
      await queue.close();
      connection.disconnect();
      appends.disconnect();
    },
  };
}
