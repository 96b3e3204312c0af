// The server: how much it takes, how long it waits, how bodies are read and failures told. Routes are others'.

import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from "fastify";
import { PachydermError } from "../core/errors.ts";
import { parseJson, problemText } from "../core/json.ts";
import { answerProblem, textOf } from "./answer-problem.ts";
import { problemOfConnection, problemOfFailure } from "./failure.ts";
import type { HttpLimits } from "./limits.ts";
import { doorProblem, headersOf, type Problem } from "./problem.ts";

export function makeServer(limits: HttpLimits, log: FastifyBaseLogger): FastifyInstance {
  const { bodyBytes, connections, headersMs, requestMs, idleMs, keepAliveMs } = limits;
  const app = fastify({
    loggerInstance: log,
    // Its lines would tell whole URLs, and with them the arguments of queries: ours are in requests.ts.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytes,
    connectionTimeout: idleMs,
    keepAliveTimeout: keepAliveMs,
    requestTimeout: requestMs,
    http: {
      headersTimeout: headersMs,
      // How often Node looks whose time is up.
      connectionsCheckingInterval: Math.min(5_000, Math.ceil(Math.min(headersMs, requestMs) / 4)),
    },
    // What is asked for is what is checked: no text becomes a number, nothing is filled in or dropped without a word.
    ajv: {
      customOptions: { coerceTypes: false, useDefaults: false, removeAdditional: false, allErrors: false },
    },
    // Any type and id is for the reference to judge; what is longer than this is refused as too many headers.
    routerOptions: { maxParamLength: 65_536 },
    return503OnClosing: false, // our own answer, see gate.ts
    clientErrorHandler: (error: Error & { readonly code?: string }, socket) => {
      const problem = problemOfConnection(error.code);
      if (answerConnection(error.code, socket, problem))
        log.info(lineOf(problem), "a connection was given up");
    },
    frameworkErrors: (error, _, reply) => {
      const problem = problemOfFailure(error, false);
      log.info(lineOf(problem), "a path could not be read");
      answerProblem(reply, problem);
    },
  });
  app.server.maxConnections = connections;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, async (_: unknown, body: Buffer) =>
    parseBody(body),
  );
  app.setErrorHandler((thrown, request, reply) => {
    const problem = problemOfFailure(thrown, request.method === "POST");
    if (problem.status === 500) request.log.error({ err: thrown }, "a request failed");
    return answerProblem(reply, problem);
  });
  app.setNotFoundHandler((_, reply) =>
    answerProblem(reply, doorProblem("NO_ROUTE", "there is nothing at this path")),
  );
  // What an entity is now must come from the node, and not from somebody's memory of it.
  app.addHook("onRequest", async (_, reply) => void reply.header("cache-control", "no-store"));
  return app;
}

/** Bytes that are no UTF-8 are refused: Node would make question marks of them, and those would be stored. */
function parseBody(body: Buffer): unknown {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new PachydermError("INVALID_MESSAGE", `the body is not JSON: ${problemText(cause)}`, { cause });
  }
}

/**
 * Where no request could be read there is no reply to answer with: the connection gets the text, and its end.
 * @returns false if nobody is there any more
 */
function answerConnection(code: string | undefined, socket: Socket, problem: Problem): boolean {
  const isThere = code !== "ECONNRESET" && socket.writable;
  if (isThere) socket.end(responseText(problem), () => socket.destroy());
  else socket.destroy();
  return isThere;
}

/** What these have in common with the lines of requests.ts, which they never reach. */
function lineOf({ status, code }: Problem) {
  return { status, code };
}

function responseText(problem: Problem): string {
  const body = textOf(problem);
  const headers = {
    ...headersOf(problem),
    connection: "close",
    "content-length": `${Buffer.byteLength(body)}`,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ""}\r\n${lines.join("")}\r\n${body}`;
}
