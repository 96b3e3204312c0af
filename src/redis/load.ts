// The typed side of load.lua.

import type { Loaded, LoadRequest } from "../ports/event-store.ts";
import type { KeySpace } from "./keys.ts";
import { type ParsedEntries, parseEntries, type StreamEntry } from "./record-format.ts";
import { type Client, Script } from "./script.ts";

export const loadScript = new Script(new URL("./load.lua", import.meta.url));

/** The header of load.lua; a test holds the two together. */
export const loadHeader = { keys: ["snapshot", "stream"], args: ["page", "schema"] } as const;

/** Records of one entity in one load: longer tails come in pages, as one script call must not hold up the others. */
export const LOAD_PAGE = 128;

export async function runLoad(
  client: Client,
  space: KeySpace,
  requests: readonly LoadRequest[],
): Promise<Loaded[]> {
  const keys: string[] = [];
  const args: string[] = [`${LOAD_PAGE}`];
  for (const { key, schema, older = false } of requests) {
    keys.push(space.snapshot(key), space.stream(key));
    args.push(schema === null ? "" : `${older ? ".." : ""}${schema}`);
  }
  const reply = (await loadScript.run(client, keys, args)) as (readonly unknown[] | "empty")[];
  return reply.map(decodeLoaded);
}

const EMPTY: Loaded = { kind: "loaded", snapshot: null, records: [], more: false };

function decodeLoaded(answer: readonly unknown[] | "empty"): Loaded {
  if (answer === "empty") return EMPTY;
  if (answer[0] === "unreadable") return { kind: "unreadable", reason: String(answer[1]) };
  const [version, commitId, schema, state, entries] = answer as [
    string,
    string,
    string,
    string,
    StreamEntry[],
  ];
  return loadedFrom(
    parseEntries(entries),
    LOAD_PAGE,
    version === "" ? null : { version: Number(version), commitId, schema: Number(schema), state },
  );
}

/** A page as a port's answer; where it is full, more may be behind it. */
export function loadedFrom(
  page: ParsedEntries,
  most: number,
  snapshot: Extract<Loaded, { kind: "loaded" }>["snapshot"] = null,
): Loaded {
  if (page.kind === "unreadable") return page;
  const { records } = page;
  return { kind: "loaded", snapshot, records, more: records.length >= most };
}
