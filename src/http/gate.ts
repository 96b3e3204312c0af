// What every request passes before it is looked at: a token, and whether the node still takes anything.

import type { FastifyInstance } from "fastify";
import { PachydermError } from "../core/errors.ts";
import { openPaths } from "./probes.ts";
import type { Tokens } from "./tokens.ts";

/** Answered while the node drains: what watches a node must see it to its end. */
const whileDraining: ReadonlySet<string> = new Set([...openPaths, "/metrics"]);

export function gate(app: FastifyInstance, tokens: Tokens, isDraining: () => boolean): void {
  app.addHook("onRequest", async ({ headers, routeOptions: { url = "" } }) => {
    if (!openPaths.has(url) && !tokens.accept(headers.authorization)) {
      throw new PachydermError(
        "UNAUTHORIZED",
        "this needs a token of the node: Authorization: Bearer <token>",
      );
    }
    if (isDraining() && !whileDraining.has(url)) {
      throw new PachydermError("NODE_STOPPING", "this node is stopping: another one will take it");
    }
  });
  // A connection that lives on would bring its next request to a node that refuses it.
  app.addHook("onSend", async (_, reply) => {
    if (isDraining()) reply.header("connection", "close");
  });
}
