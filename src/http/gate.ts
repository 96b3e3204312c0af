// What every request passes before it is looked at: a token, and whether the node still takes anything.

import type { FastifyInstance } from "fastify";
import { PachydermError } from "../core/errors.ts";
import { answerProblem } from "./answer-problem.ts";
import { isOfBoard } from "./board.ts";
import { openPaths } from "./probes.ts";
import { problemOf } from "./problem.ts";
import type { Tokens } from "./tokens.ts";

/** Answered while the node drains: what watches a node must see it to its end. */
const whileDraining: ReadonlySet<string> = new Set([...openPaths, "/metrics"]);

export function gate(app: FastifyInstance, tokens: Tokens, isDraining: () => boolean): void {
  app.addHook("onRequest", async ({ headers, routeOptions: { url = "" } }, reply) => {
    const refusal = refusalOf(url, headers.authorization, tokens, isDraining());
    if (refusal === null) return;
    // A board tells faults in its own way: what is refused at the door never comes to it.
    if (isOfBoard(url)) return await answerProblem(reply, problemOf(refusal));
    throw refusal;
  });
  // A connection that lives on would bring its next request to a node that refuses it.
  app.addHook("onSend", async ({ routeOptions: { url = "" } }, reply) => {
    if (reply.statusCode === 401 && isOfBoard(url)) reply.header("www-authenticate", 'Basic realm="queues"');
    if (isDraining()) reply.header("connection", "close");
  });
}

function refusalOf(
  url: string,
  authorization: string | undefined,
  tokens: Tokens,
  isDraining: boolean,
): PachydermError | null {
  const isIn = openPaths.has(url) || tokens.accept(authorization);
  if (!isIn && !(isOfBoard(url) && tokens.acceptPassword(authorization)))
    return new PachydermError(
      "UNAUTHORIZED",
      "this needs a token of the node: Authorization: Bearer <token>",
    );
  if (isDraining && !whileDraining.has(url))
    return new PachydermError("NODE_STOPPING", "this node is stopping: another one will take it");
  return null;
}
