// Messages to entities, and what they are now.

import type { FastifyInstance } from "fastify";
import type { Message } from "../core/decision.ts";
import { PachydermError } from "../core/errors.ts";
import { copyJson, type Json, parseJson, problemText } from "../core/json.ts";
import type { Pachyderm } from "../node/pachyderm.ts";
import { closeOtherMethods } from "./paths.ts";
import { isMinimal, sendOptionsOf } from "./send-headers.ts";

const LIST = "/entities";
const PATH = "/entities/:type/:id";

interface EntityPath {
  readonly type: string;
  readonly id: string;
}

type AnyMessage = Message & { readonly [key: string]: unknown };

/** Of a message only what every message has; the rest is the entity's own schema's. */
export const message = {
  type: "object",
  required: ["type"],
  properties: { type: { type: "string", minLength: 1 } },
};
export const noQuery = { type: "object", additionalProperties: false };
const getQuery = {
  type: "object",
  additionalProperties: false,
  properties: { query: { type: "string" }, args: { type: "string" } },
};

const listQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    type: { type: "string" },
    after: { type: "string" },
    limit: { type: "string", pattern: "^[0-9]{1,16}$" },
  },
};

export function entityRoutes(app: FastifyInstance, pachyderm: Pachyderm): void {
  app.get<{ Querystring: { type?: string; after?: string; limit?: string } }>(
    LIST,
    { schema: { querystring: listQuery } },
    async ({ query: { limit, ...others } }) =>
      await pachyderm.entities(limit === undefined ? others : { ...others, limit: Number(limit) }),
  );
  closeOtherMethods(app, LIST, "GET");

  app.post<{ Params: EntityPath; Body: AnyMessage }>(
    PATH,
    { schema: { body: message, querystring: noQuery } },
    async ({ params, body, headers }, reply) => {
      const sent = await pachyderm.send({ type: params.type, id: params.id }, body, sendOptionsOf(headers));
      if (isMinimal(headers)) reply.header("preference-applied", "return=minimal");
      return await reply.header("etag", `"${sent.cursor}"`).send(sent);
    },
  );

  app.get<{ Params: EntityPath; Querystring: { query?: string; args?: string } }>(
    PATH,
    { schema: { querystring: getQuery } },
    async ({ params, query: { query, args } }, reply) => {
      const reference = { type: params.type, id: params.id };
      const got =
        query === undefined
          ? await getState(pachyderm, reference, args)
          : await getResult(pachyderm, reference, query, args);
      return await reply.header("etag", `"${got.cursor}"`).send(got);
    },
  );

  closeOtherMethods(app, PATH, "GET and POST");
}

async function getState(pachyderm: Pachyderm, reference: EntityPath, args: string | undefined) {
  if (args !== undefined) throw invalid("args are for a query, and none is named");
  return await pachyderm.get(reference);
}

async function getResult(
  pachyderm: Pachyderm,
  reference: EntityPath,
  query: string,
  args: string | undefined,
) {
  const get = pachyderm.get.bind(pachyderm) as QueryByName;
  const { result, version, cursor } = await get(
    reference,
    query,
    args === undefined ? undefined : readArgs(args),
  );
  return { result: asJson(query, result), version, cursor };
}

/** Of a reference that came as text nothing is known at compile time, the names of its queries neither. */
type QueryByName = (
  reference: EntityPath,
  query: string,
  args: Json | undefined,
) => Promise<{ readonly result: unknown; readonly version: number; readonly cursor: string }>;

function readArgs(text: string): Json {
  try {
    return parseJson(text);
  } catch (cause) {
    throw invalid(`args is not JSON: ${problemText(cause)}`, cause);
  }
}

/** A query may make of a state whatever it likes, and here it must be told as JSON. Nothing is null. */
function asJson(query: string, result: unknown): Json {
  if (result === undefined) return null;
  try {
    return copyJson(result, Number.MAX_SAFE_INTEGER);
  } catch (cause) {
    const message = `the result of the query ${query} is not plain JSON: ${problemText(cause)}`;
    throw new PachydermError("HANDLER_FAILED", message, { cause });
  }
}

function invalid(message: string, cause?: unknown): PachydermError {
  return new PachydermError("INVALID_OPTIONS", message, { cause });
}
