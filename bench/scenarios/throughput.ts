// So many counters, so many sends in flight: the shape that `hot`, `spread` and `cold` share.

import { randomUUID } from "node:crypto";
import type { Contestant, Figures } from "../contest.ts";
import { drive, each, type Load } from "../drive.ts";
import type { Line, Stage } from "../line.ts";
import { ProcessorTime } from "../processor-time.ts";
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
      const ids = new Ids(shape.counters);
      const stage = await line.open(server);
      const time = options.cpu ? new ProcessorTime(server) : undefined;
      let figures: Figures;
      try {
        const load = (ms: number): Load => ({ inFlight: shape.inFlight, ms, most: MOST_SENDS });
        ids.sent((await drive(load(options.warmUpMs), (i) => stage.send(ids.of(i)))).sends);
        await time?.start();
        const { sends, perSecond } = await drive(load(options.ms), (i) => stage.send(ids.of(i)));
        figures = { [RATE]: perSecond, ...(await time?.perSend(sends)) };
        ids.sent(sends);
      } finally {
        time?.close();
        await stage.close();
      }
      await verify(await (line.reader?.(server) ?? line.open(server)), ids.counts());
      return figures;
    },
  };
}

/** Whom each send goes to. How many each got is counted afterwards, so that it is not measured. */
class Ids {
  readonly #fresh: boolean;
  readonly #ids: string[];
  readonly #drives: number[] = [];

  constructor(counters: Shape["counters"]) {
    this.#fresh = counters === "fresh";
    this.#ids = counters === "fresh" ? [] : Array.from({ length: counters }, () => randomUUID());
  }

  of(index: number): string {
    if (!this.#fresh) return this.#ids[index % this.#ids.length] ?? "";
    const id = randomUUID();
    this.#ids.push(id);
    return id;
  }

  /** So many sends were made, from the first index on. */
  sent(sends: number): void {
    this.#drives.push(sends);
  }

  counts(): ReadonlyMap<string, number> {
    const { length } = this.#ids;
    const countOf = (place: number): number =>
      this.#drives.reduce((sum, sends) => sum + Math.ceil(Math.max(0, sends - place) / length), 0);
    return new Map(this.#ids.map((id, place) => [id, this.#fresh ? 1 : countOf(place)]));
  }
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
