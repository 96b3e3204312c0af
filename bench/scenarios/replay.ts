// From the log back to a state: a long log whole, the same with a snapshot, and a log of one event.

import { randomUUID } from "node:crypto";
import type { Contestant, Figures } from "../contest.ts";
import { each } from "../drive.ts";
import type { Line } from "../line.ts";
import { plainLine } from "../lines/plain.ts";
import type { Server } from "../redis.ts";
import { summarize } from "../statistics.ts";
import type { Around, Scenario } from "./scenario.ts";

const FIGURE = "ms";
const LONG = 4;
const SHORT = 40;
/** So that a snapshot, taken every 100, has a tail of about half of that. */
const TAIL = 50;

export const replay: Scenario = {
  name: "replay",
  fsync: ["everysec"],
  async prepare(around) {
    const { pachyderm, server, options } = around;
    const { events } = options;
    const whole = await loads(plainLine, around, LONG, events);
    if (pachyderm === undefined) return [contest(`replay: ${events} events`, [whole], 1.3)];
    const without = pachyderm.line({ log: false, snapshot: false }, "Pachyderm, no snapshot");
    const withOne = pachyderm.line({ log: false, snapshot: true }, "Pachyderm, snapshot");
    const short = pachyderm.line({ log: false, snapshot: true }, "Pachyderm, one event");
    await fill(withOne, server, [randomUUID()], 1); // the first one pays for the connection's first everything
    return [
      contest(`replay: ${events} events`, [whole, await loads(without, around, LONG, events)], 1.3),
      contest(
        `cold get: one event, ${events} events`,
        [await loads(short, around, SHORT, 1), await loads(withOne, around, SHORT, events + TAIL)],
        3,
      ),
    ];
  },
};

function contest(title: string, contestants: readonly Contestant[], atMost: number) {
  const judged = contestants.at(-1)?.name ?? "";
  return {
    title,
    contestants,
    floors: [{ contestant: judged, figure: FIGURE, of: "ratio", atMost }],
  } as const;
}

/** Fills `entities` logs now; each measurement reads them all, one after the other, on a fresh stage. */
async function loads(line: Line, { server }: Around, entities: number, events: number): Promise<Contestant> {
  const ids = Array.from({ length: entities }, () => randomUUID());
  const first = randomUUID();
  await fill(line, server, [...ids, first], events);
  return {
    name: line.name,
    async measure(): Promise<Figures> {
      const stage = await line.open(server);
      try {
        await stage.count(first);
        const took: number[] = [];
        for (const id of ids) {
          const start = performance.now();
          const count = await stage.count(id);
          took.push(performance.now() - start);
          if (count !== events)
            throw new Error(`${id}: ${events} sends were answered, ${count} are in the log`);
        }
        return { [FIGURE]: summarize(took).median };
      } finally {
        await stage.close();
      }
    },
  };
}

async function fill(line: Line, server: Server, ids: readonly string[], events: number): Promise<void> {
  const stage = await line.open(server);
  try {
    await each(ids.length * events, 256, (i) => stage.send(ids[i % ids.length] ?? ""));
  } finally {
    await stage.close();
  }
}
