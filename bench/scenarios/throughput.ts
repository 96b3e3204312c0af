// So many counters, so many sends in flight: the shape that `hot`, `spread` and `cold` share.

import { randomUUID } from "node:crypto";
import type { Contestant, Figures } from "../contest.ts";
import { drive, each, type Load } from "../drive.ts";
import type { Line, Stage } from "../line.ts";
import type { Around } from "./scenario.ts";

export const RATE = "sends/s";
const MOST_SENDS = 400_000;
const MOST_CHECKED = 1_000;

export interface Shape {
  readonly inFlight: number;
  /** Counters that take turns; "fresh": each send is the first one to its counter. */
  readonly counters: number | "fresh";
}

export function throughput(line: Line, shape: Shape, { server, options }: Around): Contestant {
  return {
    name: line.name,
    async measure(): Promise<Figures> {
      const sent = new Map<string, number>();
      const next = chooser(shape.counters, sent);
      const stage = await line.open(server);
      let perSecond: number;
      try {
        const load = (ms: number): Load => ({ inFlight: shape.inFlight, ms, most: MOST_SENDS });
        await drive(load(options.warmUpMs), (i) => stage.send(next(i)));
        ({ perSecond } = await drive(load(options.ms), (i) => stage.send(next(i))));
      } finally {
        await stage.close();
      }
      await verify(await line.open(server), sent);
      return { [RATE]: perSecond };
    },
  };
}

/** The id of the next send; also counts the sends, for the check. */
function chooser(counters: number | "fresh", sent: Map<string, number>): (index: number) => string {
  if (counters === "fresh") {
    return () => {
      const id = randomUUID();
      sent.set(id, 1);
      return id;
    };
  }
  const ids = Array.from({ length: counters }, () => randomUUID());
  return (index) => {
    const id = ids[index % counters] ?? "";
    sent.set(id, (sent.get(id) ?? 0) + 1);
    return id;
  };
}

/** A fresh stage must read back what was sent: a line that is fast and wrong does not win. */
export async function verify(stage: Stage, sent: ReadonlyMap<string, number>): Promise<void> {
  try {
    const all = [...sent];
    const step = Math.max(1, Math.floor(all.length / MOST_CHECKED));
    await each(Math.ceil(all.length / step), 64, async (i) => {
      const [id, expected] = all[i * step] ?? ["", 0];
      const count = await stage.count(id);
      if (count !== expected)
        throw new Error(`${id}: ${expected} sends were answered, ${count} are in the log`);
    });
  } finally {
    await stage.close();
  }
}
