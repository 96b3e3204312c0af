// The typed side of cursor-load.lua, cursor-move.lua, cursor-change.lua and log-trim.lua.

import { formatPlace, type LogPlace, parsePlace } from "../core/log-place.ts";
import type {
  CursorAnswer,
  CursorChange,
  CursorMove,
  MoveResult,
  SubscriptionCursor,
  SubscriptionStatus,
} from "../ports/cursors.ts";
import type { KeySpace } from "./keys.ts";
import { type Client, Script } from "./script.ts";

export const cursorLoadScript = new Script(new URL("./cursor-load.lua", import.meta.url));
export const cursorMoveScript = new Script(new URL("./cursor-move.lua", import.meta.url));
export const cursorChangeScript = new Script(new URL("./cursor-change.lua", import.meta.url));
export const logTrimScript = new Script(new URL("./log-trim.lua", import.meta.url));

/** The headers of the scripts; a test holds them together. */
export const cursorLoadHeader = { keys: ["cursor"] } as const;
export const cursorMoveHeader = {
  keys: ["cursor", "log", "rows"],
  args: ["generation", "from", "to", "by", "truncated", "removed", "changes", "change..."],
} as const;
export const cursorChangeHeader = {
  keys: ["cursor", "log", "rows", "subscriptions"],
  args: ["name", "change", "at", "generation", "error", "clear"],
  changes: ["begin", "pause", "resume", "park", "rewind", "remove"],
} as const;
export const logTrimHeader = {
  keys: ["log", "subscriptions", "cursor..."],
  args: ["before", "name..."],
} as const;

export interface CursorName {
  readonly name: string;
  readonly partition: number;
}

export async function runCursorLoad(
  client: Client,
  space: KeySpace,
  names: readonly CursorName[],
): Promise<readonly CursorAnswer[]> {
  const keys = names.map(({ name, partition }) => space.cursor(name, partition));
  const reply = (await cursorLoadScript.run(client, keys, [])) as (readonly string[])[];
  return reply.map(decodeCursor);
}

export async function runCursorMove(
  client: Client,
  space: KeySpace,
  moves: readonly CursorMove[],
): Promise<readonly MoveResult[]> {
  const keys: string[] = [];
  const args: string[] = [];
  for (const { name, partition, generation, from, to, by, truncated, removed, rows } of moves) {
    keys.push(space.cursor(name, partition), space.log(partition), space.rows(name, partition));
    args.push(
      `${generation}`,
      formatPlace(from),
      formatPlace(to),
      by,
      `${truncated}`,
      `${removed}`,
      `${rows.size}`,
    );
    for (const [key, row] of rows) args.push(key, row === null ? "0" : "1", row ?? "");
  }
  const reply = (await cursorMoveScript.run(client, keys, args)) as (readonly [string, ...unknown[]])[];
  return reply.map(decodeMove);
}

function decodeMove([status, rest]: readonly [string, ...unknown[]]): MoveResult {
  switch (status) {
    case "moved":
      return { kind: "moved", status: statusOf(String(rest)) ?? "running" };
    case "refused": {
      const answer = decodeCursor(rest as readonly string[]);
      return answer.kind === "cursor" ? { kind: "refused", cursor: answer.cursor } : answer;
    }
    case "diverged":
      return { kind: "diverged" };
    default:
      return { kind: "unreadable", reason: String(rest) };
  }
}

export async function runCursorChange(
  client: Client,
  space: KeySpace,
  { name, partition }: CursorName,
  change: CursorChange,
): Promise<CursorAnswer> {
  const keys = [
    space.cursor(name, partition),
    space.log(partition),
    space.rows(name, partition),
    space.subscriptions(partition),
  ];
  const reply = await cursorChangeScript.run(client, keys, [name, ...argumentsOf(change)]);
  return decodeCursor(reply as readonly string[]);
}

function argumentsOf(change: CursorChange): readonly [string, string, string, string, string] {
  switch (change.kind) {
    case "begin":
      return ["begin", placeText(change.at), "", "", ""];
    case "park":
      return ["park", formatPlace(change.at), `${change.generation}`, change.error, ""];
    case "rewind":
      return ["rewind", placeText(change.at), "", "", change.clear ? "1" : "0"];
    default:
      return [change.kind, "", "", "", ""];
  }
}

function placeText(at: LogPlace | "now"): string {
  return at === "now" ? at : formatPlace(at);
}

/** Fields and values in turn. */
export function decodeCursor(reply: readonly string[]): CursorAnswer {
  if (reply.length === 0) return { kind: "cursor", cursor: undefined };
  if (reply[0] === "unreadable") return { kind: "unreadable", reason: reply[1] ?? "" };
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < reply.length; i += 2) fields.set(reply[i] ?? "", reply[i + 1] ?? "");
  const cursor = readCursor(fields);
  return cursor === undefined
    ? { kind: "unreadable", reason: "what is stored as a subscription's cursor is none" }
    : { kind: "cursor", cursor };
}

function readCursor(fields: ReadonlyMap<string, string>): SubscriptionCursor | undefined {
  const generation = Number(fields.get("generation"));
  const place = parsePlace(fields.get("place") ?? "");
  const status = statusOf(fields.get("status"));
  const truncated = Number(fields.get("truncated"));
  const removed = Number(fields.get("removed"));
  const sound = [generation, truncated, removed].every(
    (number) => Number.isSafeInteger(number) && number >= 0,
  );
  if (!sound || place === undefined || status === undefined) return undefined;
  return { generation, place, status, error: fields.get("error") ?? "", truncated, removed };
}

function statusOf(text: string | undefined): SubscriptionStatus | undefined {
  return text === "running" || text === "paused" || text === "parked" ? text : undefined;
}

/** @returns the entries that were taken away, or why not; the names of the subscriptions where others were given */
export async function runLogTrim(
  client: Client,
  space: KeySpace,
  partition: number,
  before: number,
  names: readonly string[],
): Promise<readonly ["trimmed", number] | readonly ["again", ...string[]] | readonly ["unreadable", string]> {
  const keys = [
    space.log(partition),
    space.subscriptions(partition),
    ...names.map((name) => space.cursor(name, partition)),
  ];
  const reply = await logTrimScript.run(client, keys, [`${before}`, ...names]);
  return reply as
    | readonly ["trimmed", number]
    | readonly ["again", ...string[]]
    | readonly ["unreadable", string];
}
