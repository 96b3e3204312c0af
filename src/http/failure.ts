// From whatever ended a request to the problem that its sender is told: our errors, Fastify's, Node's, and the unforeseen.

import type { FastifyError } from "fastify";
import { PachydermError } from "../core/errors.ts";
import { type DoorCode, doorProblem, doorTable, type Problem, problemOf } from "./problem.ts";

/** Fastify's own errors that a request can cause. */
const fastifyCodes: Readonly<Record<string, DoorCode>> = {
  FST_ERR_BAD_URL: "BAD_REQUEST",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "BAD_REQUEST",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
};

/** Node's, of a connection on which no request could be read. */
const connectionCodes: Readonly<Record<string, DoorCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "REQUEST_TIMEOUT",
  HPE_HEADER_OVERFLOW: "HEADERS_TOO_LARGE",
};

/** What Fastify may hand to an error handler, none of it for sure. */
type Thrown = Partial<Pick<FastifyError, "code" | "statusCode" | "validation" | "validationContext">>;

/** @param hasMessage whether it may have been handled before it failed: then nobody knows what became of it */
export function problemOfFailure(thrown: unknown, hasMessage: boolean): Problem {
  if (thrown instanceof PachydermError) return problemOf(thrown);
  const error: Thrown = typeof thrown === "object" && thrown !== null ? thrown : {};
  if (error.validation !== undefined) return problemOf(unfit(error.validation, error.validationContext));
  if (error.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return problemOf(new PachydermError("TOO_LARGE", "the body is larger than this node takes"));
  }
  const known = fastifyCodes[error.code ?? ""];
  if (known !== undefined) return doorProblem(known, sentenceOf(known));
  // A body whose connection broke: nobody is there to read this, but the log and the metrics should not say 500.
  if (error.statusCode === 400) return doorProblem("BAD_REQUEST", sentenceOf("BAD_REQUEST"));
  return doorProblem("INTERNAL", "see the log of the node", hasMessage ? "unknown" : "not-committed");
}

export function problemOfConnection(code: string | undefined): Problem {
  const known = connectionCodes[code ?? ""] ?? "BAD_REQUEST";
  return doorProblem(known, sentenceOf(known));
}

const sentences: Readonly<Partial<Record<DoorCode, string>>> = {
  BAD_REQUEST: "the request cannot be read as HTTP",
  UNSUPPORTED_MEDIA_TYPE: "send the message with content-type: application/json",
  REQUEST_TIMEOUT: "the request was not whole in time",
  HEADERS_TOO_LARGE: "the headers are larger than this node takes",
};

function sentenceOf(code: DoorCode): string {
  return sentences[code] ?? doorTable[code].meaning;
}

function unfit(found: NonNullable<FastifyError["validation"]>, context: string | undefined): PachydermError {
  const issues = found.map(({ instancePath, message = "does not fit", params }) => ({
    path: instancePath.split("/").slice(1),
    message: "additionalProperty" in params ? `there is no ${params["additionalProperty"]}` : message,
  }));
  const told = issues.map(({ path, message }) => [...path, message].join(" ")).join("; ");
  const [code, what] =
    context === "body"
      ? (["INVALID_MESSAGE", "message"] as const)
      : (["INVALID_OPTIONS", "query string"] as const);
  return new PachydermError(code, `the ${what} is not sound: ${told}`, { detail: { issues } });
}
