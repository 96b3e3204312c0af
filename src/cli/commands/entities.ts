// Which entities there are, all pages of them: a line for each.

import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";

const PAGE = 1_000;

export const entities: Leaf = {
  usage: "entities",
  summary: "the entities that have records, one on each line",
  reaches: "nodes",
  options: [
    ["--type <type>", "of this type alone"],
    ["--limit <number>", "at most so many (all)"],
  ],
  async run(call) {
    const { options, output } = call;
    const type = options.text("type");
    let found = 0;
    let left = options.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY;
    const remote = await call.connect();
    for (let after: string | null | undefined; after !== null && left > 0; ) {
      const page = await remote.entities({
        limit: Math.min(left, PAGE),
        ...(type === undefined ? {} : { type }),
        ...(after === undefined ? {} : { after }),
      });
      for (const entity of page.entities)
        await output.tell(entity, ({ bold }) => `${entity.id}  ${bold(entity.type)}`);
      left -= page.entities.length;
      found += page.entities.length;
      after = page.next;
    }
    if (found === 0)
      await output.note(`no entity${type === undefined ? "" : ` of the type ${type}`} has records`);
    return exitCodes.done;
  },
};
