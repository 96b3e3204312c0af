// The typed side of find.lua.

import type { StoredRecord } from "../core/record.ts";
import type { FindRequest, Found } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import { parseEntries, type StreamEntry } from "./record-format.ts";
import { type Client, Script } from "./script.ts";

export const findScript = new Script(new URL("./find.lua", import.meta.url));

/** The header of find.lua; a test holds the two together. */
export const findHeader = { keys: ["stream"], args: ["before", "since", "page", "message..."] } as const;

/** Records that one script call looks at: about a millisecond of Redis. */
const PAGE = 1_000;

/** Page by page, from the newest record back. What is appended meanwhile is behind the first page, and not looked at. */
export async function runFind(
  client: Client,
  space: KeySpace,
  { key, messageIds, since }: FindRequest,
): Promise<Found> {
  const last = new Map<string, StoredRecord>();
  for (let before = "+"; before !== "" && last.size < messageIds.length; ) {
    const args = [before, `${since}`, `${PAGE}`, ...messageIds];
    const reply = await findScript.run(client, [space.stream(key)], args);
    const [next, rest] = reply as [string, unknown];
    if (next === "unreadable") return { kind: "unreadable", reason: String(rest) };
    const parsed = parseEntries(rest as StreamEntry[]);
    if (parsed.kind === "unreadable") return parsed;
    for (const record of parsed.records) {
      if (!last.has(record.messageId)) last.set(record.messageId, record);
    }
    before = next;
  }
  return { kind: "found", records: [...last.values()].reverse() };
}
