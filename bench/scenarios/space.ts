// What Redis keeps for an entity of one event, and for one more event in a long log.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import type { Contestant } from "../contest.ts";
import { each } from "../drive.ts";
import type { Line } from "../line.ts";
import { plainLine } from "../lines/plain.ts";
import type { Around, Scenario } from "./scenario.ts";

const ENTITIES = 10_000;
/** So many that buffers and tables, which grow in steps, weigh little on each. */
const EVENTS = 50_000;
const PER_ENTITY = "bytes per entity of 1 event";
const PER_EVENT = "bytes per event in a long log";

export const space: Scenario = {
  name: "space",
  fsync: ["everysec"],
  async prepare(around) {
    const pachyderm = around.pachyderm;
    const lines = [
      plainLine,
      ...(pachyderm
        ? [
            pachyderm.line({ log: false, snapshot: true }, "Pachyderm, log off"),
            pachyderm.line({ log: true, snapshot: true }, "Pachyderm, log on"),
            pachyderm.line({ log: true, snapshot: true, timers: true }, "the same, each with a timer"),
          ]
        : []),
    ];
    return [
      {
        title: "space in Redis (used_memory)",
        contestants: lines.map((line) => bytes(line, around)),
        floors: [{ contestant: "Pachyderm, log off", figure: PER_ENTITY, of: "value", atMost: 1024 }],
        once: true,
      },
    ];
  },
};

function bytes(line: Line, { server }: Around): Contestant {
  return {
    name: line.name,
    async measure() {
      const redis = new Redis(server.url);
      const stage = await line.open(server);
      try {
        await stage.send(randomUUID()); // keys that the line makes once are not the entity's
        const before = await usedMemory(redis);
        await each(ENTITIES, 256, () => stage.send(randomUUID()));
        const between = await usedMemory(redis);
        const id = randomUUID();
        await each(EVENTS, 64, () => stage.send(id));
        const after = await usedMemory(redis);
        return {
          [PER_ENTITY]: (between - before) / ENTITIES,
          [PER_EVENT]: (after - between) / EVENTS,
        };
      } finally {
        await stage.close();
        redis.disconnect();
      }
    },
  };
}

/** Without what connections hold: their buffers grow and shrink with the load. */
async function usedMemory(redis: Redis): Promise<number> {
  const info = await redis.info("memory");
  const read = (field: string): number =>
    Number(new RegExp(`^${field}:(\\d+)`, "m").exec(info)?.[1] ?? Number.NaN);
  return read("used_memory") - read("mem_clients_normal") - read("mem_aof_buffer");
}
