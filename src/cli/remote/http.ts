// Over the HTTP door of one node: docs/http.md.

import { setTimeout } from "node:timers/promises";
import { PachydermError } from "../../core/errors.ts";
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
import { Door, failureOf, parsed } from "./door.ts";
import { eventsOf } from "./event-lines.ts";

export function openDoor(url: string, tokens: string): Remote {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw usage("--url is the address of a node's HTTP door, such as http://127.0.0.1:8080");
  const [token = ""] = tokens.split(",").map((text) => text.trim());
  return new HttpRemote(new Door(url.endsWith("/") ? url : `${url}/`, token));
}

class HttpRemote implements Remote {
  readonly #door: Door;
  #sending = 0;

  constructor(door: Door) {
    this.#door = door;
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
      return (await this.#door.ask(entityPath(type, id), {
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
    return (await this.#door.ask(`${entityPath(type, id)}${searchOf(search)}`, { timeoutMs })) as RemoteGot;
  }

  async events({ type, id }: Reference, from: number, limit: number): Promise<EventsPage> {
    const search = new URLSearchParams({ from: String(from), limit: String(limit) });
    return (await this.#door.ask(`${entityPath(type, id)}/events${searchOf(search)}`)) as EventsPage;
  }

  async timers(): Promise<readonly Timer[]> {
    throw usage("over HTTP timers cannot be listed: leave --url out, and reach Redis");
  }

  async entities({ type, after, limit }: EntitiesOptions): Promise<EntitiesPage> {
    const search = new URLSearchParams();
    if (type !== undefined) search.set("type", type);
    if (after !== undefined) search.set("after", after);
    if (limit !== undefined) search.set("limit", `${limit}`);
    return (await this.#door.ask(`entities${searchOf(search)}`)) as EntitiesPage;
  }

  async row(type: string, view: string, id: string): Promise<unknown> {
    return await this.#door.ask(`${viewPath(type, view)}/${encodeURIComponent(id)}`);
  }

  async rows(type: string, view: string, find: RemoteFind): Promise<RowsPage<object>> {
    const search = findSearch(find);
    return (await this.#door.ask(`${viewPath(type, view)}?${search}`)) as RowsPage<object>;
  }

  async countRows(type: string, view: string, find: RemoteFind): Promise<number> {
    const search = findSearch(find);
    search.set("count", "true");
    const { count } = (await this.#door.ask(`${viewPath(type, view)}?${search}`)) as {
      readonly count: number;
    };
    return count;
  }

  async history({ type, id }: Reference, { at, limit }: HistoryOptions): Promise<History> {
    const search = new URLSearchParams();
    if (at !== undefined) search.set("at", `${at}`);
    if (limit !== undefined) search.set("limit", `${limit}`);
    const path = `${entityPath(type, id)}/history${searchOf(search)}`;
    return (await this.#door.ask(path)) as History;
  }

  async preview({ type, id }: Reference, message: Json): Promise<RemotePreview> {
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(message) } as const;
    return (await this.#door.ask(`${entityPath(type, id)}/preview`, request)) as RemotePreview;
  }

  async cluster(locate?: string): Promise<RemoteCluster> {
    const search = new URLSearchParams(locate === undefined ? {} : { locate });
    return (await this.#door.ask(`cluster${searchOf(search)}`)) as RemoteCluster;
  }

  async failedEffects(limit: number): Promise<readonly FailedEffect[]> {
    const search = new URLSearchParams({ state: "failed", limit: String(limit) });
    const answer = await this.#door.ask(`effects${searchOf(search)}`);
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
    return ((await this.#door.ask(path, { method: "POST" })) as { readonly count: number }).count;
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
      const last = typeof start === "string" ? start : null;
      try {
        for await (const { event, data } of eventsOf(await this.#door.listen(path(), last, signal))) {
          const value: unknown = parsed(data);
          if (event === "problem") throw failureOf(value);
          if (event !== "recorded") continue;
          if (!isRecorded(value)) throw new CliFailure("BAD_ANSWER", NO_EVENT, "not-committed");
          const recorded = value;
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
    const answer = await this.#door.ask("subscriptions");
    return (answer as { readonly subscriptions: readonly string[] }).subscriptions;
  }

  async subscription(name: string): Promise<RemoteSubscription> {
    return (await this.#door.ask(`subscriptions/${encodeURIComponent(name)}`)) as RemoteSubscription;
  }

  async steerSubscription(name: string, what: "pause" | "resume"): Promise<void> {
    await this.#door.ask(`subscriptions/${encodeURIComponent(name)}/${what}`, { method: "POST" });
  }

  async rewindSubscription(name: string, to: string): Promise<void> {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ to });
    await this.#door.ask(`subscriptions/${encodeURIComponent(name)}/rewind`, {
      method: "POST",
      headers,
      body,
    });
  }

  async close(): Promise<void> {}
}

const NO_EVENT = "the stream of events holds what is no event of an entity";

/** What the way needs of it: where to go on from. */
function isRecorded(value: unknown): value is Recorded {
  return typeof value === "object" && value !== null && "cursor" in value && typeof value.cursor === "string";
}

/** Until a stream that ended is asked for again, milliseconds. */
const AGAIN_MS = 500;

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {}); // interrupted: whoever asks looks at the signal
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
