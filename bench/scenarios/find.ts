// How long a page of a view takes, and a count: 64,000 entities in 32 partitions, 100 rows for each page, one at a time.

import type { Contestant, Figures } from "../contest.ts";
import { ProcessorTime } from "../processor-time.ts";
import type { Server } from "../redis.ts";
import { quantile } from "../statistics.ts";
import type { Scenario } from "./scenario.ts";

const ENTITIES = 64_000;
const LIMIT = 100;
const TIMES = 100;
/** Rows whose number leaves 3 of 7. */
const WORDS = Math.ceil((ENTITIES - 3) / 7);

let close: (() => Promise<void>) | undefined;

export const find: Scenario = {
  name: "find",
  fsync: ["everysec"],
  async prepare({ server, pachyderm }) {
    if (pachyderm === undefined) return [];
    const finder = await pachyderm.openFinder(server, ENTITIES);
    close = finder.close;
    const { view } = finder;
    const { next: after } = await view.find({ by: "odd", from: true, to: true, limit: 1_000 });
    const page = (name: string, options: Readonly<Record<string, unknown>>) =>
      asked(name, server, async () => {
        const { rows } = await view.find({ ...options, limit: LIMIT });
        if (rows.length !== LIMIT) throw new Error(`${name}: ${rows.length} rows`);
      });
    const count = (name: string, options: Readonly<Record<string, unknown>>, rows: number) =>
      asked(name, server, async () => {
        const found = await view.count(options);
        if (found !== rows) throw new Error(`${name}: ${found}`);
      });
    return [
      {
        title: "find: a page of 100 of 64,000 rows, and counts",
        contestants: [
          page("by a number", { by: "n", from: 30_000 }),
          page("the same, descending", { by: "n", to: 30_000, order: "descending" }),
          page("by a boolean, behind a row", { by: "odd", from: true, to: true, after }),
          page("by a text", { by: "word", from: "word 3" }),
          count("a count by numbers", { by: "n", from: 1, to: 30_000 }, 30_000),
          count("a count of a text", { by: "word", from: "word 3", to: "word 3" }, WORDS),
        ],
        floors: [],
      },
    ];
  },
  async end() {
    await close?.();
    close = undefined;
  },
};

function asked(name: string, server: Server, ask: () => Promise<void>): Contestant {
  return {
    name,
    async measure(): Promise<Figures> {
      const time = new ProcessorTime(server);
      try {
        for (let i = 0; i < TIMES / 5; i++) await ask();
        await time.start();
        const all: number[] = [];
        for (let i = 0; i < TIMES; i++) {
          const start = performance.now();
          await ask();
          all.push(performance.now() - start);
        }
        const { "Redis µs/send": redis = Number.NaN } = await time.perSend(TIMES);
        all.sort((a, b) => a - b);
        return { "p50 ms": quantile(all, 0.5), "p99 ms": quantile(all, 0.99), "Redis µs": redis };
      } finally {
        time.close();
      }
    },
  };
}
