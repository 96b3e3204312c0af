// The HTTP door of a node, from outside: asks it, and makes of what comes back, or does not, what there is to be told.

import { type ErrorCode, errorTable, type Outcome, PachydermError } from "../../core/errors.ts";
import { CliFailure } from "../failure.ts";

/** More than a node takes by itself to tell what became of a message. */
const ANSWER_MS = 30_000;

export interface Request {
  /** Default `GET`. */
  readonly method?: "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

export class Door {
  readonly #base: string;
  readonly #token: string;

  /** @param base a URL that ends with a slash */
  constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  /**
   * What the node answers; `{}` where that is nothing.
   * @throws PachydermError, CliFailure
   */
  async ask(path: string, request: Request = {}): Promise<unknown> {
    const { method = "GET", headers = {}, body, timeoutMs = ANSWER_MS } = request;
    const response = await this.#fetch(path, {
      method,
      headers: { ...headers, ...this.#credentials() },
      signal: AbortSignal.timeout(timeoutMs),
      redirect: "error", // a token must not go elsewhere
      ...(body === undefined ? {} : { body }),
    });
    if (response.status === 204) return {};
    const text = await textOf(response, method);
    const isProblem = response.headers.get("content-type")?.includes("problem+json") === true;
    const value = parsed(text);
    if (response.ok && typeof value === "object" && value !== null) return value;
    if (isProblem) throw failureOf(value);
    throw this.#foreign(response, method);
  }

  /**
   * A stream of events, that ends when the connection does.
   * @throws PachydermError, CliFailure
   */
  async listen(
    path: string,
    last: string | null,
    signal: AbortSignal,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const headers = {
      ...this.#credentials(),
      accept: "text/event-stream",
      ...(last === null ? {} : { "last-event-id": last }),
    };
    const response = await this.#fetch(path, { headers, signal, redirect: "error" });
    const kind = response.headers.get("content-type") ?? "";
    if (response.ok && response.body !== null && kind.includes("text/event-stream")) return response.body;
    if (kind.includes("problem+json")) throw failureOf(parsed(await textOf(response, "GET")));
    // Of a proxy, say: whoever asked again would be answered the same, for ever.
    await response.body?.cancel();
    throw this.#foreign(response, "GET");
  }

  #foreign({ status }: Response, method: string): CliFailure {
    const message = `${this.#base} answered ${status}, and nothing that a node would say`;
    return new CliFailure("BAD_ANSWER", message, outcomeOf(method));
  }

  #credentials(): Readonly<Record<string, string>> {
    return this.#token === "" ? {} : { authorization: `Bearer ${this.#token}` };
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(new URL(path, this.#base), init);
    } catch (thrown) {
      throw this.#lost(thrown, init.method ?? "GET");
    }
  }

  #lost(thrown: unknown, method: string): Error {
    if (thrown instanceof DOMException && thrown.name === "TimeoutError") return late(method);
    const cause = thrown instanceof Error ? thrown.cause : undefined;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    const words = cause instanceof Error ? cause.message || code : String(thrown);
    return new CliFailure(
      "UNREACHABLE",
      `${this.#base} cannot be reached: ${words}`,
      NOT_CONNECTED.has(code) || words === NOT_DIALLED ? "not-committed" : outcomeOf(method),
    );
  }
}

/** No connection was made, so nothing was sent. */
const NOT_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** A port that fetch keeps for others: it has no code. */
const NOT_DIALLED = "bad port";

async function textOf(response: Response, method: string): Promise<string> {
  try {
    return await response.text();
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === "TimeoutError") throw late(method);
    throw new CliFailure(
      "UNREACHABLE",
      "the connection broke before the answer was whole",
      outcomeOf(method),
    );
  }
}

function late(method: string): PachydermError {
  return new PachydermError("DEADLINE_EXCEEDED", "no answer came in time", { outcome: outcomeOf(method) });
}

/** Of a message that may have arrived, nobody knows. */
function outcomeOf(method: string): Outcome {
  return method === "POST" ? "unknown" : "not-committed";
}

/** A problem document as the error that it tells of. */
export function failureOf(value: unknown): Error {
  const { code, detail, outcome, data } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const told = outcome === "unknown" ? "unknown" : "not-committed";
  const message = String(detail);
  if (typeof code === "string" && Object.hasOwn(errorTable, code)) {
    return new PachydermError(code as ErrorCode, message, {
      outcome: told,
      ...(data === undefined ? {} : { detail: data }),
    });
  }
  if (code === "NO_EFFECT") return new CliFailure("NO_EFFECT", message, told);
  return new CliFailure("BAD_ANSWER", `${String(code)}: ${message}`, told);
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says so
  }
}
