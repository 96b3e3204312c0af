// A node with its HTTP door on a real Redis, and what a test asks of it over HTTP.

import { once } from "node:events";
import { request } from "node:http";
import { type HttpDoor, type HttpOptions, jsonLog, Metrics, openHttp } from "../../src/http/index.ts";
import { defineEffect, defineEntity, newId, Pachyderm, reject, type StartOptions } from "../../src/index.ts";

type BoxMessage = { readonly type: string; readonly by?: number; readonly text?: string };
type BoxEvent = { readonly type: "added"; readonly by: number; readonly text: string };

const note = defineEffect({ name: "note", dispatch: () => {} });

/** The texts of messages that `box` has handled, in order: what a test waits for when no answer can come. */
export const handled: string[] = [];

/** Does whatever a test needs done: adds, rejects, throws, grows. */
export const box = defineEntity({
  type: "box",
  formerly: ["crate"],
  init: () => ({ sum: 0, texts: [] as readonly string[] }),
  handle({ type, by = 1, text = "" }: BoxMessage) {
    if (text !== "") handled.push(text);
    if (type === "throw") throw new Error(`the handler threw over ${text}`);
    if (type === "reject") return reject("no", { by });
    if (type === "only-effect") return { effects: [note({})] };
    if (type === "nothing") return [];
    if (type === "grow") return [{ type: "added" as const, by, text: text.repeat(by) }];
    return { events: [{ type: "added" as const, by, text }], reply: { added: by } };
  },
  update: ({ by, text }: BoxEvent, { sum, texts }) => ({
    sum: sum + by,
    texts: text === "" ? texts : [...texts, text],
  }),
  queries: {
    sum: ({ sum }) => sum,
    above: ({ sum }, least: { readonly than: number }) => sum > least.than,
    nothing: () => undefined,
    map: () => new Map(),
    big: () => 10n,
  },
});

/** Another type, for ids that are taken. */
export const other = defineEntity({
  type: "other",
  init: () => null,
  handle: (_message: { readonly type: string }) => [{ type: "done" as const }],
  update: (_event: { readonly type: "done" }) => null,
});

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a body that is JSON; else null. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

export interface HttpNodeOptions {
  readonly start?: StartOptions;
  readonly http?: HttpOptions;
}

export class HttpNode {
  readonly pachyderm: Pachyderm;
  readonly door: HttpDoor;
  /** Lines of its log, from `trace` on. */
  readonly log: string[];

  private constructor(pachyderm: Pachyderm, door: HttpDoor, log: string[]) {
    this.pachyderm = pachyderm;
    this.door = door;
    this.log = log;
  }

  static async start(redis: string, { start, http }: HttpNodeOptions = {}): Promise<HttpNode> {
    const metrics = new Metrics();
    const network = `http-${newId().slice(-12)}`;
    const definitions = { entities: [box, other], effects: [note] };
    const pachyderm = await Pachyderm.start({ ...definitions, redis, network, meter: metrics, ...start });
    const lines: string[] = [];
    const log = jsonLog("trace", { write: (line: string) => void lines.push(line) });
    const door = await openHttp(pachyderm, { port: 0, metrics, log, ...http });
    return new HttpNode(pachyderm, door, lines);
  }

  /** Another door of the same node, after the first one was closed. */
  openAgain(port: number): Promise<HttpDoor> {
    return openHttp(this.pachyderm, { port });
  }

  async stop(): Promise<void> {
    await this.door.close();
    await this.pachyderm.stop();
  }

  async ask(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.door.address}${path}`, { method, ...init });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
    const body = isJson && text !== "" ? (JSON.parse(text) as Answer["body"]) : null;
    return { status: response.status, headers: response.headers, text, body };
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.ask("GET", path, { headers });
  }

  /** @param message what is not text goes as JSON */
  post(path: string, message: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const body = typeof message === "string" ? message : JSON.stringify(message);
    return this.ask("POST", path, { body, headers: { "content-type": "application/json", ...headers } });
  }
}

/** The parts of a problem by which it is known, after checking that it is one. */
export function problemIn({ status, headers, body }: Answer): string {
  const { type, title, status: told, detail, code, outcome, retryable } = body ?? {};
  const isProblem =
    headers.get("content-type")?.startsWith("application/problem+json") === true &&
    type === `urn:pachyderm:error:${String(code)}` &&
    [title, detail, code, outcome].every((part) => typeof part === "string" && part !== "") &&
    typeof retryable === "boolean" &&
    told === status;
  if (!isProblem) throw new Error(`this is no problem document: ${status} ${JSON.stringify(body)}`);
  return `${status} ${String(code)} ${String(outcome)}`;
}

/** A request that is not done: the server has let it in, and its body stays open until it is ended. */
export async function openRequest(address: string, path: string) {
  const headers = { "content-type": "application/json", expect: "100-continue" };
  const outgoing = request(new URL(path, address), { method: "POST", headers });
  const answered = new Promise<{ status: number; connection: string | undefined; text: string }>(
    (resolve, fail) => {
      outgoing.once("error", fail);
      outgoing.once("response", async (incoming) => {
        let text = "";
        for await (const chunk of incoming) text += String(chunk);
        resolve({ status: incoming.statusCode ?? 0, connection: incoming.headers.connection, text });
      });
    },
  );
  answered.catch(() => {}); // a test may look at it later than it fails
  outgoing.flushHeaders();
  await once(outgoing, "continue");
  return { outgoing, answered };
}
