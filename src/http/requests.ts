// Each answered request, counted and logged: its route, never its URL, its headers or its body.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { toldCode } from "./answer-problem.ts";
import type { Metrics } from "./metrics.ts";

export function watchRequests(app: FastifyInstance, metrics: Metrics): void {
  app.addHook("onResponse", async (request, reply) => {
    const { method, routeOptions } = request;
    const route = routeOptions.url ?? "none";
    const { statusCode: status, elapsedTime } = reply;
    metrics.answered(method, route, status, elapsedTime);
    const line = {
      method,
      route,
      ...entityOf(request),
      status,
      code: toldCode(reply),
      ms: Math.round(elapsedTime),
    };
    request.log[levelOf(reply)](line, "answered");
  });
}

/** Successes are many, and counted: who wants a line of each asks for `debug`. */
function levelOf({ statusCode }: FastifyReply): "debug" | "info" | "warn" {
  if (statusCode >= 500) return "warn";
  return statusCode >= 400 ? "info" : "debug";
}

/** Of a path that names an entity, as far as it may be one: whatever else stands there is not told. */
function entityOf({ params }: FastifyRequest): { readonly type?: string; readonly id?: string } {
  const { type, id } = (params ?? {}) as { readonly type?: string; readonly id?: string };
  if (type === undefined || id === undefined) return {};
  return /^[\w.-]{1,64}$/.test(type) && /^[0-9a-fA-F-]{36}$/.test(id) ? { type, id } : {};
}
