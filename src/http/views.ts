// Rows of views: by id, and by their indexes.

import type { FastifyInstance } from "fastify";
import { PachydermError } from "../core/errors.ts";
import type { Pachyderm } from "../node/pachyderm.ts";
import type { FindOptions, IndexedValue } from "../node/view-options.ts";
import { answerProblem } from "./answer-problem.ts";
import { noQuery } from "./entities.ts";
import { closeOtherMethods } from "./paths.ts";
import { doorProblem } from "./problem.ts";

const ROW = "/views/:type/:view/:id";
/** With `count=true` it answers how many there are. */
const FIND = "/views/:type/:view";

interface ViewPath {
  readonly type: string;
  readonly view: string;
}

type Find = Partial<Record<"by" | "from" | "to" | "order" | "limit" | "after" | "count", string>>;

const findQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    by: { type: "string" },
    from: { type: "string" },
    to: { type: "string" },
    order: { type: "string", enum: ["ascending", "descending"] },
    limit: { type: "string", pattern: "^[0-9]{1,16}$" },
    after: { type: "string" },
    count: { type: "string", enum: ["true"] },
  },
};

export function viewRoutes(app: FastifyInstance, pachyderm: Pachyderm): void {
  app.get<{ Params: ViewPath & { readonly id: string } }>(
    ROW,
    { schema: { querystring: noQuery } },
    async ({ params: { type, view, id } }, reply) => {
      const row = await pachyderm.view({ type }, view).get(id);
      if (row !== null) return await reply.send(row);
      return await answerProblem(reply, doorProblem("NO_ROW", `${id} has no row in the view ${view}`));
    },
  );
  closeOtherMethods(app, ROW, "GET");

  app.get<{ Params: ViewPath; Querystring: Find }>(
    FIND,
    { schema: { querystring: findQuery } },
    async ({ params: { type, view }, query: { count, ...query } }) => {
      const rows = pachyderm.view({ type }, view);
      if (count === undefined) return await rows.find(optionsOf(query));
      // What does not go with counting is refused by name.
      return { count: await rows.count(Object.keys(query).length === 0 ? undefined : optionsOf(query)) };
    },
  );
  closeOtherMethods(app, FIND, "GET");
}

function optionsOf({ by = "", from, to, order, limit, after }: Find): FindOptions {
  return {
    by,
    ...(from === undefined ? {} : { from: readValue(from) }),
    ...(to === undefined ? {} : { to: readValue(to) }),
    ...(order === undefined ? {} : { order: order as "ascending" | "descending" }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
    ...(after === undefined ? {} : { after }),
  };
}

/**
 * A value as text: JSON where it is a number, a boolean or a text in quotation marks; else the text as it stands. So the
 * text `12` is asked for as `"12"`.
 */
export function readValue(text: string): IndexedValue {
  if (text.startsWith('"')) {
    const value = parsed(text);
    if (typeof value === "string") return value;
    throw new PachydermError("INVALID_OPTIONS", `${text} is no text in quotation marks`);
  }
  if (text === "true" || text === "false") return text === "true";
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says so
  }
}
