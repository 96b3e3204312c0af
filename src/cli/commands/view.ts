// Rows of views: of one entity, by an index, or how many there are.

import type { Group, Leaf } from "../command.ts";
import { exitCodes, usage } from "../failure.ts";
import type { Options } from "../options.ts";
import { shown } from "../output.ts";
import type { RemoteFind } from "../remote.ts";

const PAGE = 1_000;

const range = [
  ["--by <index>", "the index"],
  ["--from <value>", "from this value on, inclusive: a number, true, false or a text"],
  ["--to <value>", "up to this value, inclusive"],
] as const;

const get: Leaf = {
  usage: "get <type> <view> <id>",
  summary: "the row of an entity",
  reaches: "nodes",
  options: [],
  async run({ args: [type = "", view = "", id = ""], output, connect }) {
    const row = await (await connect()).row(type, view, id);
    await output.tell(row as object, () => shown(row));
    return exitCodes.done;
  },
};

const find: Leaf = {
  usage: "find <type> <view>",
  summary: "rows by an index, in its order, one on each line",
  reaches: "nodes",
  options: [
    ...range,
    ["--order <order>", "ascending or descending (ascending)"],
    ["--limit <number>", "at most so many (all)"],
  ],
  async run({ args: [type = "", view = ""], options, output, connect }) {
    const order = options.text("order");
    let left = options.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY;
    const asked = rangeOf(options);
    if (asked.by === undefined) throw usage("--by names the index by which rows are found");
    const remote = await connect();
    for (let after: string | null | undefined; after !== null && left > 0; ) {
      const page = await remote.rows(type, view, {
        ...asked,
        limit: Math.min(left, PAGE),
        ...(order === undefined ? {} : { order }),
        ...(after === undefined ? {} : { after }),
      });
      for (const row of page.rows) await output.tell(row, () => shown(row));
      left -= page.rows.length;
      after = page.next;
    }
    return exitCodes.done;
  },
};

const count: Leaf = {
  usage: "count <type> <view>",
  summary: "how many rows there are, or are found by an index",
  reaches: "nodes",
  options: [...range],
  async run({ args: [type = "", view = ""], options, output, connect }) {
    const counted = await (await connect()).countRows(type, view, rangeOf(options));
    await output.tell({ count: counted }, () => `${counted}`);
    return exitCodes.done;
  },
};

export const view: Group = {
  usage: "view",
  summary: "rows of views",
  commands: [get, find, count],
};

function rangeOf(options: Options): RemoteFind {
  const [by, from, to] = [options.text("by"), options.text("from"), options.text("to")];
  return {
    ...(by === undefined ? {} : { by }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}
