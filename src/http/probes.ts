// For whoever watches the node: is it alive, does it serve, and how much.

import type { FastifyInstance } from "fastify";
import { PachydermError } from "../core/errors.ts";
import type { Metrics } from "./metrics.ts";
import { closeOtherMethods } from "./paths.ts";

/** Without a token: they tell nothing, and what asks them often cannot keep a secret. */
export const openPaths: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

/**
 * `/healthz`: this process answers. `/readyz`: it takes messages. Redis is not asked for either: while it is away every
 * node would leave the balancer at once, and senders would get the balancer's words in place of ours, which say what
 * became of their message.
 */
export function probeRoutes(app: FastifyInstance, isDraining: () => boolean, metrics: Metrics): void {
  app.get("/healthz", async () => ({ status: "alive" }));
  app.get("/readyz", async () => {
    if (isDraining()) throw new PachydermError("NODE_STOPPING", "this node is stopping");
    return { status: "ready" };
  });
  app.get("/metrics", async (_, reply) => {
    const text = await metrics.text();
    return await reply.type(metrics.contentType).send(text);
  });
  for (const path of [...openPaths, "/metrics"]) closeOtherMethods(app, path, "GET");
}
