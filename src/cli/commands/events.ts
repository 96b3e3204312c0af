// The events of an entity, from the log, all pages of them: a line for each.

import type { Recorded } from "../../core/recorded.ts";
import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";
import type { Paint } from "../output.ts";

const PAGE = 1_000;

export const events: Leaf = {
  usage: "events <type> <id>",
  summary: "what happened to an entity, an event on each line",
  reaches: "nodes",
  options: [
    ["--from <version>", "the first version, inclusive (1)"],
    ["--limit <number>", "at most so many (all)"],
  ],
  async run(call) {
    const [type = "", id = ""] = call.args;
    const { options, output } = call;
    let from = options.whole("from", 1, Number.MAX_SAFE_INTEGER) ?? 1;
    const first = from;
    let found = 0;
    let left = options.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY;
    const remote = await call.connect();
    for (;;) {
      const page = await remote.events({ type, id }, from, Math.min(left, PAGE));
      // One after the other: whoever reads slowly, or has had enough, is not run over.
      for (const recorded of page.events) await output.tell(recorded, (paint) => lineOf(recorded, paint));
      left -= page.events.length;
      found += page.events.length;
      if (page.next === null || left <= 0) break;
      from = page.next;
    }
    if (found === 0)
      await output.note(first === 1 ? "it has no events" : `it has no events from version ${first} on`);
    return exitCodes.done;
  },
};

/** For people. */
export function lineOf({ version, at, event }: Recorded, { bold, dim }: Paint): string {
  const { type, ...rest } = event;
  const time = new Date(at).toISOString();
  return `${String(version).padStart(6)}  ${dim(time)}  ${bold(type)}  ${JSON.stringify(rest)}`;
}
