// The events of one entity as they come: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Recorded } from "../core/recorded.ts";
import type { Follow, FollowOptions } from "../node/follow.ts";
import type { Pachyderm } from "../node/pachyderm.ts";
import { textOf } from "./answer-problem.ts";
import { problemOfFailure } from "./failure.ts";

/** A line now and then, so that neither this server nor a proxy takes a quiet stream for dead, milliseconds. */
const PING_MS = 15_000;
/** When a browser that lost its stream comes again, milliseconds. */
const RETRY_MS = 1_000;

export interface StreamRequest {
  readonly type: string;
  readonly id: string;
  readonly from: number | undefined;
}

/**
 * Answers with a stream, from `from` or behind the cursor of `Last-Event-ID`, which a browser sends when it comes again.
 * Ends when the client goes, and when the door drains: another node will take it.
 * @throws PachydermError what `follow` refuses, before a word was said
 */
export async function streamEvents(
  pachyderm: Pachyderm,
  { type, id, from }: StreamRequest,
  request: FastifyRequest,
  reply: FastifyReply,
  draining: AbortSignal,
): Promise<FastifyReply> {
  const gone = new AbortController();
  const response = reply.raw;
  response.once("close", () => gone.abort());
  const stream = new EventStream(response);
  const last = request.headers["last-event-id"];
  const behind = typeof last === "string" && last !== "" ? last : undefined;
  const start = behind ?? from;
  const options: FollowOptions = {
    ...(start === undefined ? {} : { from: start }),
    signal: AbortSignal.any([gone.signal, draining]),
    onTruncated: (gap) => stream.tell("truncated", JSON.stringify(gap)),
  };
  const follow = pachyderm.follow({ type, id }, options);
  await follow.open();
  reply.hijack();
  stream.begin();
  if (request.method === "HEAD") await follow.return();
  await stream.run(follow);
  return reply;
}

class EventStream {
  readonly #response: ServerResponse;
  /** What was to be told before it had begun. */
  #early = "";
  #begun = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  begin(): void {
    this.#response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    this.#begun = true;
    this.#response.write(`retry: ${RETRY_MS}\n\n${this.#early}`);
  }

  /** JSON text holds no line break, so it is one line of data. @returns false where the client is slower than this */
  tell(event: string, data: string, id?: string): boolean {
    const text = `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
    if (this.#begun) return this.#response.write(text);
    this.#early += text;
    return true;
  }

  /** Never fails: what goes wrong from here on is told as an event, and the client comes again. */
  async run(follow: Follow<Recorded>): Promise<void> {
    const ping = setInterval(() => this.#response.write(":\n\n"), PING_MS);
    try {
      for await (const recorded of follow) {
        if (!this.tell("recorded", JSON.stringify(recorded), recorded.cursor)) await this.#drained();
      }
    } catch (thrown) {
      this.tell("problem", textOf(problemOfFailure(thrown, false)));
    } finally {
      clearInterval(ping);
      this.#response.end();
    }
  }

  /** Whoever does not read has what fits into the sockets, and no more. */
  async #drained(): Promise<void> {
    if (this.#response.destroyed) return;
    const over = new AbortController();
    const { signal } = over;
    await Promise.race([
      once(this.#response, "drain", { signal }),
      once(this.#response, "close", { signal }),
    ]).finally(() => over.abort());
  }
}
