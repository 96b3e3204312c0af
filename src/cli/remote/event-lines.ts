// Server-sent events, read from the body of an answer: https://html.spec.whatwg.org/multipage/server-sent-events.html.

export interface SentEvent {
  readonly event: string;
  readonly data: string;
}

/** Those with data; comments and settings are passed over. Line breaks are `\n`, as this package's own door sends them. */
export async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<SentEvent, void, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map(fieldOf));
      const data = fields.get("data");
      if (data !== undefined) yield { event: fields.get("event") ?? "message", data };
    }
  }
}

function fieldOf(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}
