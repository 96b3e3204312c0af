// What a path does with methods that it does not have.

import type { FastifyInstance } from "fastify";
import { answerProblem } from "./answer-problem.ts";
import { doorProblem } from "./problem.ts";

/** OPTIONS tells what there is; anything else is 405, before its body is looked at. Nothing is said to browsers (CORS). */
export function closeOtherMethods(
  app: FastifyInstance,
  url: string,
  method: "GET" | "POST" | "GET and POST",
): void {
  const has = [
    ...(method.includes("GET") ? ["GET", "HEAD"] : []),
    ...(method.includes("POST") ? ["POST"] : []),
  ];
  const allow = [...has, "OPTIONS"].join(", ");
  app.route({
    method: app.supportedMethods.filter((one) => !has.includes(one)),
    url,
    onRequest: async (request, reply) => {
      reply.header("allow", allow);
      if (request.method === "OPTIONS") return await reply.code(204).send();
      const problem = doorProblem("METHOD_NOT_ALLOWED", `${request.method} is not taken here, but ${allow}`);
      return await answerProblem(reply, problem);
    },
    handler: () => {}, // never reached: the hook has answered
  });
}
