// What an entity was, and what a message to it would come to.

import type { FastifyInstance } from "fastify";
import type { Message } from "../core/decision.ts";
import type { HistoryOptions } from "../node/history.ts";
import type { Pachyderm } from "../node/pachyderm.ts";
import { message, noQuery } from "./entities.ts";
import { closeOtherMethods } from "./paths.ts";

const HISTORY = "/entities/:type/:id/history";
const PREVIEW = "/entities/:type/:id/preview";

interface EntityRoute {
  readonly Params: { readonly type: string; readonly id: string };
}

const querystring = {
  type: "object",
  additionalProperties: false,
  properties: {
    at: { type: "string", minLength: 1 },
    limit: { type: "string", pattern: "^[0-9]{1,16}$" },
  },
};

export function historyRoutes(app: FastifyInstance, pachyderm: Pachyderm): void {
  app.get<EntityRoute & { Querystring: { at?: string; limit?: string } }>(
    HISTORY,
    { schema: { querystring } },
    async ({ params: { type, id }, query }, reply) => {
      const history = await pachyderm.history({ type, id }, optionsOf(query));
      return await reply.header("etag", `"${history.cursor}"`).send(history);
    },
  );
  closeOtherMethods(app, HISTORY, "GET");

  app.post<EntityRoute & { Body: Message & { readonly [key: string]: unknown } }>(
    PREVIEW,
    { schema: { body: message, querystring: noQuery } },
    async ({ params: { type, id }, body }) => await pachyderm.preview({ type, id }, body),
  );
  closeOtherMethods(app, PREVIEW, "POST");
}

/** A version is digits alone; everything else is a cursor, or refused as one. */
function optionsOf({ at, limit }: { at?: string; limit?: string }): HistoryOptions {
  return {
    ...(at === undefined ? {} : { at: /^[0-9]{1,16}$/.test(at) ? Number(at) : at }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
}
