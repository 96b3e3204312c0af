// Durable effects that failed: which, and what is to become of them.

import type { FastifyInstance, FastifyReply } from "fastify";
import type { Pachyderm } from "../node/pachyderm.ts";
import { answerProblem } from "./answer-problem.ts";
import { noQuery } from "./entities.ts";
import { closeOtherMethods } from "./paths.ts";
import { doorProblem } from "./problem.ts";

const LIST = "/effects";
const RETRY = "/effects/:id/retry";
const DROP = "/effects/:id/drop";

const listQuery = {
  type: "object",
  additionalProperties: false,
  required: ["state"],
  properties: {
    state: { type: "string", enum: ["failed"] },
    limit: { type: "string", pattern: "^[0-9]{1,16}$" },
  },
};

export function effectRoutes(app: FastifyInstance, { effects }: Pachyderm): void {
  app.get<{ Querystring: { limit?: string } }>(
    LIST,
    { schema: { querystring: listQuery } },
    async ({ query: { limit } }) => ({
      effects: await effects.failed(limit === undefined ? {} : { limit: Number(limit) }),
    }),
  );
  closeOtherMethods(app, LIST, "GET");

  const schema = { querystring: noQuery };
  app.post<{ Params: { id: string } }>(RETRY, { schema }, async ({ params: { id } }, reply) =>
    accepted(reply, id, await effects.retry(id), id === "all"),
  );
  closeOtherMethods(app, RETRY, "POST");
  app.post<{ Params: { id: string } }>(DROP, { schema }, async ({ params: { id } }, reply) =>
    accepted(reply, id, await effects.drop(id), false),
  );
  closeOtherMethods(app, DROP, "POST");
}

/** @param isAll then none is no fault */
async function accepted(reply: FastifyReply, id: string, count: number, isAll: boolean): Promise<unknown> {
  if (count > 0 || isAll) return await reply.code(202).send({ count });
  return await answerProblem(reply, doorProblem("NO_EFFECT", `no effect with the id ${id} has failed`));
}
