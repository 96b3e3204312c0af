import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { defineEffect, defineEntity, newId, Pachyderm, tell } from "../../src/index.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { until } from "../harness/until.ts";

test.each(["redis", "memory"])("a durable effect and a tell, on %s", async (where) => {
  const server = await RedisServer.start();
  const runs: unknown[] = [];
  const mail = defineEffect({
    name: "mail",
    durable: { backoffMs: 10 },
    dispatch(payload: { n: number }, _config: unknown, context) {
      runs.push([payload, context.attempt, context.version, context.effectId]);
      if (context.attempt < 3) throw new Error("not yet");
    },
  });
  const counter = defineEntity({
    type: "counter",
    init: () => ({ count: 0 }),
    handle(message: { type: "up"; to?: string } | { type: "sorry" }) {
      if (message.type === "sorry") return [{ type: "upped" as const }];
      return {
        events: [{ type: "upped" as const }],
        effects:
          message.to === undefined
            ? [mail({ n: 1 })]
            : [tell({ type: "counter", id: message.to }, { type: "up" })],
      };
    },
    update: (_event: { type: "upped" }, state) => ({ count: state.count + 1 }),
  });
  const node = await Pachyderm.start({
    entities: [counter],
    effects: [mail],
    network: "slice",
    ...(where === "redis" ? { redis: server.url } : {}),
  });
  const id = newId();
  const other = newId();
  await node.send(counter.ref(id), { type: "up" });
  await until("it has run three times", () => runs.length === 3);
  expect(runs.map((run) => (run as unknown[])[1])).toEqual([1, 2, 3]);
  await node.send(counter.ref(id), { type: "up", to: other });
  await until("the other was told", async () => (await node.get(counter.ref(other))).state.count === 1);
  await until("it has run for the other too", () => runs.length === 6);
  await until(
    "nothing is left",
    async () =>
      JSON.stringify(await node.effects.counts()) ===
      JSON.stringify({ waiting: 0, running: 0, delayed: 0, failed: 0, dropped: 0 }),
  );
  await node.stop();
  const redis = new Redis(server.url);
  console.log(await redis.keys("*"));
  redis.disconnect();
  await server.stop();
});
