// Over the HTTP door of one node: docs/http.md.

import { setTimeout } from "node:timers/promises";
import { type ErrorCode, errorTable, type Outcome, PachydermError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Recorded } from "../../core/recorded.ts";
import type { Reference } from "../../core/reference.ts";
import type { FailedEffect } from "../../node/effect-jobs.ts";
import type { EntitiesOptions, EntitiesPage } from "../../node/entities.ts";
import type { EventsPage } from "../../node/events.ts";
import type { History, HistoryOptions } from "../../node/history.ts";
import type { Timer } from "../../node/timers.ts";
import type { RowsPage } from "../../node/views.ts";
import { CliFailure, usage } from "../failure.ts";
import type {
  Remote,
  RemoteCluster,
  RemoteFind,
  RemoteGet,
  RemoteGot,
  RemotePreview,
  RemoteSend,
  RemoteSent,
  RemoteSubscription,
} from "../remote.ts";
import { eventsOf } from "./event-lines.ts";

/** More than a node takes by itself to tell what became of a message. */
const ANSWER_MS = 30_000;

export function openDoor(url: string, tokens: string): Remote {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw usage("--url is the address of a node's HTTP door, such as http://127.0.0.1:8080");
  const [token = ""] = tokens.split(",").map((text) => text.trim());
  return new HttpRemote(url.endsWith("/") ? url : `${url}/`, token);
}

interface Request {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number | undefined;
}

class HttpRemote implements Remote {
  readonly #base: string;
  readonly #token: string;
  #sending = 0;

  constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  get isSending(): boolean {
    return this.#sending > 0;
  }

  async send({ type, id }: Reference, message: Json, options: RemoteSend): Promise<RemoteSent> {
    const { key, expected, timeoutMs, answer, args, retry } = options;
    if (typeof expected === "number") throw usage("over HTTP --expected is a cursor, and not a version");
    if (answer !== undefined && answer !== "none") throw usage("over HTTP --answer is none, or left out");
    if (args !== undefined)
      throw usage("over HTTP a message is answered with the state, and --args says nothing");
    if (!retry) throw usage("over HTTP there is no --no-retry: --expected says the same of one version");
    const headers = {
      "content-type": "application/json",
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...(expected === undefined ? {} : { "if-match": `"${expected}"` }),
      ...(answer === "none" ? { prefer: "return=minimal" } : {}),
    };
    this.#sending += 1;
    try {
      const body = JSON.stringify(message);
      return (await this.#ask(entityPath(type, id), {
        method: "POST",
        headers,
        body,
        timeoutMs,
      })) as RemoteSent;
    } finally {
      this.#sending -= 1;
    }
  }

  async get({ type, id }: Reference, options: RemoteGet): Promise<RemoteGot> {
    const { query, args, stale, atLeast, timeoutMs } = options;
    if (stale) throw usage("over HTTP there is no --stale");
    if (atLeast !== undefined) throw usage("over HTTP there is no --at-least");
    const search = new URLSearchParams();
    if (query !== undefined) search.set("query", query);
    if (args !== undefined) search.set("args", JSON.stringify(args));
    return (await this.#ask(`${entityPath(type, id)}${searchOf(search)}`, {
      method: "GET",
      timeoutMs,
    })) as RemoteGot;
  }

  async events({ type, id }: Reference, from: number, limit: number): Promise<EventsPage> {
    const search = new URLSearchParams({ from: String(from), limit: String(limit) });
    return (await this.#ask(`${entityPath(type, id)}/events${searchOf(search)}`, {
      method: "GET",
    })) as EventsPage;
  }

  async timers(): Promise<readonly Timer[]> {
    throw usage("over HTTP timers cannot be listed: leave --url out, and reach Redis");
  }

  async entities({ type, after, limit }: EntitiesOptions): Promise<EntitiesPage> {
    const search = new URLSearchParams();
    if (type !== undefined) search.set("type", type);
    if (after !== undefined) search.set("after", after);
    if (limit !== undefined) search.set("limit", `${limit}`);
    return (await this.#ask(`entities${searchOf(search)}`, { method: "GET" })) as EntitiesPage;
  }

  async row(type: string, view: string, id: string): Promise<unknown> {
    return await this.#ask(`${viewPath(type, view)}/${encodeURIComponent(id)}`, { method: "GET" });
  }

  async rows(type: string, view: string, find: RemoteFind): Promise<RowsPage<object>> {
    const search = findSearch(find);
    return (await this.#ask(`${viewPath(type, view)}?${search}`, { method: "GET" })) as RowsPage<object>;
  }

  async countRows(type: string, view: string, find: RemoteFind): Promise<number> {
    const search = findSearch(find);
    search.set("count", "true");
    const { count } = (await this.#ask(`${viewPath(type, view)}?${search}`, { method: "GET" })) as {
      readonly count: number;
    };
    return count;
  }

  async history({ type, id }: Reference, { at, limit }: HistoryOptions): Promise<History> {
    const search = new URLSearchParams();
    if (at !== undefined) search.set("at", `${at}`);
    if (limit !== undefined) search.set("limit", `${limit}`);
    const path = `${entityPath(type, id)}/history${searchOf(search)}`;
    return (await this.#ask(path, { method: "GET" })) as History;
  }

  async preview({ type, id }: Reference, message: Json): Promise<RemotePreview> {
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(message) } as const;
    return (await this.#ask(`${entityPath(type, id)}/preview`, request)) as RemotePreview;
  }

  async cluster(locate?: string): Promise<RemoteCluster> {
    const search = new URLSearchParams(locate === undefined ? {} : { locate });
    return (await this.#ask(`cluster${searchOf(search)}`, { method: "GET" })) as RemoteCluster;
  }

  async failedEffects(limit: number): Promise<readonly FailedEffect[]> {
    const search = new URLSearchParams({ state: "failed", limit: String(limit) });
    const answer = await this.#ask(`effects${searchOf(search)}`, { method: "GET" });
    return (answer as { readonly effects: readonly FailedEffect[] }).effects;
  }

  async retryEffect(id: string): Promise<number> {
    return await this.#actOnEffect(id, "retry");
  }

  async dropEffect(id: string): Promise<number> {
    return await this.#actOnEffect(id, "drop");
  }

  async #actOnEffect(id: string, what: "retry" | "drop"): Promise<number> {
    const path = `effects/${encodeURIComponent(id)}/${what}`;
    return ((await this.#ask(path, { method: "POST" })) as { readonly count: number }).count;
  }

  /** Comes again behind what it saw last when its connection ends, as a browser does; a node that drains ends it. */
  async *follow(
    { type, id }: Reference,
    from: number | string,
    signal: AbortSignal,
  ): AsyncGenerator<Recorded, void, undefined> {
    let start = from;
    const path = (): string =>
      typeof start === "number"
        ? `${entityPath(type, id)}/events?from=${start}`
        : `${entityPath(type, id)}/events`;
    while (!signal.aborted) {
      const last = typeof start === "string" ? { "last-event-id": start } : {};
      const headers = { ...this.#credentials(), accept: "text/event-stream", ...last };
      try {
        const response = await this.#fetch(path(), { headers, signal, redirect: "error" });
        if (!response.ok || response.body === null) throw failureOf(parsed(await textOf(response, "GET")));
        for await (const { event, data } of eventsOf(response.body)) {
          const value: unknown = parsed(data);
          if (event === "problem") throw failureOf(value);
          if (event !== "recorded") continue;
          const recorded = value as Recorded;
          start = recorded.cursor;
          yield recorded;
        }
      } catch (thrown) {
        if (signal.aborted) return;
        // A connection that broke in the middle: what comes after the last cursor is asked for again.
        if (thrown instanceof PachydermError || thrown instanceof CliFailure) throw thrown;
      }
      await pause(AGAIN_MS, signal);
    }
  }

  async subscriptions(): Promise<readonly string[]> {
    const answer = await this.#ask("subscriptions", { method: "GET" });
    return (answer as { readonly subscriptions: readonly string[] }).subscriptions;
  }

  async subscription(name: string): Promise<RemoteSubscription> {
    return (await this.#ask(`subscriptions/${encodeURIComponent(name)}`, {
      method: "GET",
    })) as RemoteSubscription;
  }

  async steerSubscription(name: string, what: "pause" | "resume"): Promise<void> {
    await this.#ask(`subscriptions/${encodeURIComponent(name)}/${what}`, { method: "POST" });
  }

  async rewindSubscription(name: string, to: string): Promise<void> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ to });
    await this.#ask(`subscriptions/${encodeURIComponent(name)}/rewind`, { method: "POST", headers, body });
  }

  #credentials(): Readonly<Record<string, string>> {
    return this.#token === "" ? {} : { authorization: `Bearer ${this.#token}` };
  }

  async close(): Promise<void> {}

  async #ask(path: string, { method, headers = {}, body, timeoutMs = ANSWER_MS }: Request): Promise<unknown> {
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
    const message = `${this.#base} answered ${response.status}, and nothing that a node would say`;
    throw new CliFailure("BAD_ANSWER", message, outcomeOf(method));
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
      NOT_CONNECTED.has(code) ? "not-committed" : outcomeOf(method),
    );
  }
}

/** Until a stream that ended is asked for again, milliseconds. */
const AGAIN_MS = 500;

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {}); // interrupted: whoever asks looks at the signal
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
function failureOf(value: unknown): Error {
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller says so
  }
}

function viewPath(type: string, view: string): string {
  return `views/${encodeURIComponent(type)}/${encodeURIComponent(view)}`;
}

function findSearch(find: RemoteFind): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(find)) search.set(name, String(value));
  return search;
}

function entityPath(type: string, id: string): string {
  return `entities/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
}

function searchOf(search: URLSearchParams): string {
  return search.size === 0 ? "" : `?${search}`;
}
