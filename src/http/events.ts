// The events of one entity, a page at a time.

import type { FastifyInstance } from "fastify";
import type { EventsOptions } from "../node/events.ts";
import type { Pachyderm } from "../node/pachyderm.ts";
import { answerProblem } from "./answer-problem.ts";
import { closeOtherMethods } from "./paths.ts";
import { doorProblem } from "./problem.ts";

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

export function eventRoutes(app: FastifyInstance, pachyderm: Pachyderm): void {
  app.get<EventsRoute>(PATH, { schema: { querystring } }, async (request, reply) => {
    if (/\btext\/event-stream\b/i.test(request.headers.accept ?? "")) {
      const detail = "events are told as application/json; a live stream of them is not there yet";
      return await answerProblem(reply, doorProblem("NOT_ACCEPTABLE", detail));
    }
    const { type, id } = request.params;
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
