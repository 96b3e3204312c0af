// What a node costs Redis when it does nothing: connections, and commands in a second.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Contestant } from "../contest.ts";
import { each } from "../drive.ts";
import type { Line } from "../line.ts";
import type { Around, Scenario } from "./scenario.ts";

/** So many new entities are in all of 32 partitions, all but surely. */
const ENTITIES = 500;
const SETTLE_MS = 1_000;
const IDLE_MS = 5_000;

export const connections: Scenario = {
  name: "connections",
  fsync: ["everysec"],
  async prepare(around) {
    const { pachyderm } = around;
    if (pachyderm === undefined) return [];
    const settings = { log: true, snapshot: true };
    const lines = [
      pachyderm.line(settings, "a node alone"),
      pachyderm.line({ ...settings, durable: true }, "the same, with durable effects in all 32 partitions"),
      pachyderm.line(
        { ...settings, cluster: { network: "bench-connections", host: true } },
        "a node of a cluster, the only one",
      ),
    ];
    return [
      {
        title: "an idle node, as Redis sees it",
        contestants: lines.map((line) => idle(line, around)),
        floors: [],
        once: true,
      },
    ];
  },
};

function idle(line: Line, { server }: Around): Contestant {
  return {
    name: line.name,
    async measure() {
      const redis = new Redis(server.url);
      const stage = await line.open(server);
      try {
        await each(ENTITIES, 64, () => stage.send(randomUUID()));
        await pause(SETTLE_MS);
        const clients =
          String(await redis.client("LIST"))
            .trim()
            .split("\n").length - 1; // without our own
        const before = await commands(redis);
        await pause(IDLE_MS);
        const after = (await commands(redis)) - 1; // without the question itself
        return { connections: clients, "commands/s": ((after - before) * 1_000) / IDLE_MS };
      } finally {
        await stage.close();
        redis.disconnect();
      }
    },
  };
}

async function commands(redis: Redis): Promise<number> {
  return Number(/^total_commands_processed:(\d+)/m.exec(await redis.info("stats"))?.[1] ?? Number.NaN);
}
