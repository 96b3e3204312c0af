// The user that docs/operations.md gives to nodes: two nodes do all that they do as this user, and nothing of it is denied;
// and it may do nothing else. (test/laws runs every store as the same user, on one server and on a cluster.)

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { Redis as Client } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mailer } from "../../cluster/effects/mailer.ts";
import { account } from "../../cluster/entities/account.ts";
import { counter } from "../../cluster/entities/counter.ts";
import { NodeProcess } from "../../scripts/nodes/node-process.ts";
import { newId, Pachyderm } from "../../src/index.ts";
import { root } from "../architecture/source.ts";
import { freePort } from "../harness/free-port.ts";
import { documentedRules, NODE_USER } from "../harness/node-user.ts";
import { RedisServer } from "../harness/redis-server.ts";

let redis: RedisServer;
let url = "";

beforeAll(async () => {
  redis = await RedisServer.start();
  await redis.ask((admin) => admin.call("ACL", "SETUSER", NODE_USER, ...documentedRules()));
  url = `redis://${NODE_USER}:a-long-password@127.0.0.1:${redis.port}`;
});
afterAll(() => redis.stop());

/** What was denied to the nodes' user, in words. */
async function denied(): Promise<readonly string[]> {
  const entries = (await redis.ask((admin) => admin.call("ACL", "LOG"))) as readonly (readonly unknown[])[];
  return entries.map((entry) => {
    const field = (name: string): string => String(entry[entry.indexOf(name) + 1]);
    return `${field("reason")} ${field("object")}`;
  });
}

test("two nodes do all that nodes do, and nothing is denied", async () => {
  const secret = "a-secret-of-nodes";
  const env = { PATH: process.env["PATH"], PACHYDERM_REDIS_URL: url, PACHYDERM_SECRET: secret };
  const program = new NodeProcess({ name: "a node", httpPort: await freePort(), env, onLine: () => {} });
  await program.serves();
  const node = await Pachyderm.start({
    entities: [account, counter],
    effects: [mailer], // the counter's, at ten
    config: { mailFile: "/dev/null" },
    redis: url,
    cluster: { port: 0, secret },
  });
  expect(node.warnings).toEqual([]);
  const ids = Array.from({ length: 40 }, () => newId());
  for (const id of ids) {
    await node.send(counter.ref(id), { type: "increment" }, { idempotencyKey: "once" });
    const again = await fetch(`${program.address}/entities/counter/${id}`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "once" },
      body: '{"type":"increment"}',
    });
    expect(await again.json()).toMatchObject({ version: 1, duplicate: true });
  }
  // More than a page of records, a snapshot on the way, and a load of both.
  const [busy = ""] = ids;
  for (let i = 0; i < 250; i++) await node.send(counter.ref(busy), { type: "increment" });
  expect((await node.events(counter.ref(busy), { from: 200 })).events).toHaveLength(52);
  const rich = account.ref(newId());
  await node.send(rich, { type: "deposit", amount: 5 });
  await expect(node.send(rich, { type: "withdraw", amount: 6 }, { idempotencyKey: "k" })).rejects.toThrow(
    "overdrawn",
  );
  // The other dies in the middle: what it had is sent again, looked for, and found.
  const sends = ids.map((id) => node.send(counter.ref(id), { type: "increment" }));
  await program.kill();
  await Promise.all(sends);
  for (const id of ids.slice(1)) expect((await node.get(counter.ref(id))).state).toEqual({ count: 2 });
  await node.destroy(counter.ref(busy));
  await node.stop();
  expect(await denied()).toEqual([]);
}, 60_000);

test("it may do nothing else", async () => {
  const client: Redis = new Client(url, { retryStrategy: () => null });
  try {
    await client.set("{main:0}:e:x", "1");
    const script = 'return redis.call("GET", KEYS[1])';
    const refused: Readonly<Record<string, () => Promise<unknown>>> = {
      "another network's keys": () => client.get("{main-2:0}:e:x"),
      "keys of nobody": () => client.set("session:1", "x"),
      "the same in a script": () => client.eval(script, 1, "{main-2:0}:e:x"),
      "other channels": () => client.publish("{main-2:meta}:nudge", ""),
      FLUSHALL: () => client.flushall(),
      KEYS: () => client.keys("*"),
      "CONFIG SET": () => client.config("SET", "appendonly", "no"),
      "SCRIPT FLUSH": () => client.script("FLUSH"),
      ACL: () => client.call("ACL", "LIST"),
      MONITOR: () => client.call("MONITOR"),
      SHUTDOWN: () => client.call("SHUTDOWN", "NOSAVE"),
    };
    for (const [what, ask] of Object.entries(refused)) {
      await expect(ask(), what).rejects.toThrow(/NOPERM|permission|can't run this command/);
    }
  } finally {
    client.disconnect();
  }
});

/** What BullMQ runs of its own for a queue and its worker, as src/redis/bull.ts and queue-worker.ts use them. */
const scripts =
  "{addStandardJob,addDelayedJob,moveToActive,moveToFinished,moveToDelayed,moveStalledJobsToWait,extendLock,extendLocks,retryJob,moveJobFromActiveToWait,removeJob,reprocessJob,getCounts}";

test("every command of the scripts is among the rules", async () => {
  const all = (await redis.ask((admin) => admin.call("COMMAND", "LIST"))) as readonly string[];
  const commands = new Set(all.map((name) => name.toUpperCase()));
  const allowed = new Set(
    documentedRules().map((rule) => rule.replace(/^\+([a-z]+)(\|.*)?$/, "$1").toUpperCase()),
  );
  const wordsOf = (pattern: string, words: RegExp): readonly string[] =>
    globSync(pattern, { cwd: root }).flatMap((path) =>
      [...readFileSync(join(root, path), "utf8").matchAll(words)].map(([, word = ""]) => word.toUpperCase()),
    );
  const ours = wordsOf("src/redis/*.lua", /["']([A-Z]{3,})["']/g).filter((word) => commands.has(word));
  const theirs = wordsOf(`node_modules/bullmq/dist/cjs/scripts/${scripts}-*.js`, /call\(\\?"([A-Za-z]+)/g);
  expect(new Set(ours).size).toBeGreaterThan(15);
  expect(new Set(theirs).size).toBeGreaterThan(30);
  expect([...new Set([...ours, ...theirs])].filter((word) => !allowed.has(word))).toEqual([]);
});
