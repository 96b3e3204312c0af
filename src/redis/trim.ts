// The typed side of trim.lua.

import type { Trimmed, TrimRequest } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import { type Client, Script } from "./script.ts";

export const trimScript = new Script(new URL("./trim.lua", import.meta.url));

/** The header of trim.lua; a test holds the two together. */
export const trimHeader = { keys: ["stream", "snapshot"], args: ["below", "before", "most"] } as const;

/** Records that one call takes away: about a tenth of a millisecond of Redis. */
const MOST = 1_000;

export async function runTrim(
  client: Client,
  space: KeySpace,
  { key, below, before }: TrimRequest,
): Promise<Trimmed> {
  const reply = await trimScript.run(
    client,
    [space.stream(key), space.snapshot(key)],
    [`${below}`, `${Math.floor(before)}`, `${MOST}`],
  );
  const [kind, rest] = reply as
    | ["trimmed", Extract<Trimmed, { kind: "trimmed" }>["left"]]
    | ["unreadable", string];
  return kind === "trimmed" ? { kind, left: rest } : { kind, reason: rest };
}
