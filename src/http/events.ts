// The events of one entity: a page at a time, or as they come.

import type { FastifyInstance } from "fastify";
import { PachydermError } from "../core/errors.ts";
import type { EventsOptions } from "../node/events.ts";
import type { Pachyderm } from "../node/pachyderm.ts";
import { streamEvents } from "./event-stream.ts";
import { closeOtherMethods } from "./paths.ts";

const PATH = "/entities/:type/:id/events";

/** As text: a number in a query string is text until it is read, and 1e3 or 0x1 is none here. */
const wholeNumber = { type: "string", pattern: "^[0-9]{1,16}$" };
const querystring = {
  type: "object",
  additionalProperties: false,
  properties: { from: wholeNumber, limit: wholeNumber },
};

interface EventsRoute {
  readonly Params: { readonly type: string; readonly id: string };
  readonly Querystring: { readonly from?: string; readonly limit?: string };
}

/** @param draining ends the streams */
export function eventRoutes(app: FastifyInstance, pachyderm: Pachyderm, draining: AbortSignal): void {
  app.get<EventsRoute>(PATH, { schema: { querystring } }, async (request, reply) => {
    const { type, id } = request.params;
    const { from, limit } = request.query;
    if (/\btext\/event-stream\b/i.test(request.headers.accept ?? "")) {
      if (limit !== undefined) throw new PachydermError("INVALID_OPTIONS", "a live stream has no limit");
      const first = from === undefined ? undefined : Number(from);
      return await streamEvents(pachyderm, { type, id, from: first }, request, reply, draining);
    }
    return await pachyderm.events({ type, id }, optionsOf(request.query));
  });

  closeOtherMethods(app, PATH, "GET");
}

function optionsOf({ from, limit }: EventsRoute["Querystring"]): EventsOptions {
  return {
    ...(from === undefined ? {} : { from: Number(from) }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
}
