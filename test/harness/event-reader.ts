// Server-sent events, read by hand: what a browser does, without one.

export interface SentEvent {
  readonly id: string | null;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export class EventReader {
  readonly response: Response;
  readonly #chunks: AsyncIterator<string>;
  #text = "";

  private constructor(response: Response) {
    this.response = response;
    const body = response.body ?? new Response("").body;
    if (body === null) throw new Error("there is no body");
    this.#chunks = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  }

  static async open(url: string, lastId: string | null = null, signal?: AbortSignal): Promise<EventReader> {
    const headers = { accept: "text/event-stream", ...(lastId === null ? {} : { "last-event-id": lastId }) };
    return new EventReader(await fetch(url, { headers, ...(signal === undefined ? {} : { signal }) }));
  }

  /** The next event; null: the stream has ended. */
  async next(): Promise<SentEvent | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const event = parse(block);
        if (event !== null) return event;
        continue;
      }
      const { value, done } = await this.#chunks.next();
      if (done === true) return null;
      this.#text += value;
    }
  }

  async take(count: number): Promise<readonly SentEvent[]> {
    const events: SentEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (event === null) break;
      events.push(event);
    }
    return events;
  }
}

/** Null: a comment, or a setting. */
function parse(block: string): SentEvent | null {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    }),
  );
  const data = fields.get("data");
  if (data === undefined) return null;
  return {
    id: fields.get("id") ?? null,
    event: fields.get("event") ?? "message",
    data: JSON.parse(data) as SentEvent["data"],
  };
}
