// The typed side of commit-one.lua: a call of one quick commit, in the form that costs least.

import type { Commit } from "../ports/event-store.ts";
import { logItem, type ScriptCall } from "./commit.ts";
import type { KeySpace } from "./keys.ts";
import { formatRecord } from "./record-format.ts";
import { type Client, Script } from "./script.ts";

export const commitOneScript = new Script(new URL("./commit-one.lua", import.meta.url));

/** The header of commit-one.lua; a test holds the two together. */
export const commitOneHeader = {
  keys: ["tip", "stream", "log"],
  args: ["token", "known", "next", "record", "entry"],
} as const;

export interface OneCall {
  readonly keys: readonly string[];
  /** Behind the token of the try. */
  readonly args: readonly string[];
}

/** Null where the call is another one. @param call the same commits, as commit.lua takes them */
export function encodeOne(
  space: KeySpace,
  withLog: boolean,
  callId: string,
  commits: readonly Commit[],
  call: ScriptCall,
): OneCall | null {
  const [commit] = commits;
  const [group] = call.groups;
  if (commits.length !== 1 || commit === undefined || group?.quick.length !== 1) return null;
  const { key, expected, records, rows, timers } = commit;
  const [record] = records;
  if (record === undefined || rows !== undefined || timers !== undefined) return null;
  const keys = [space.tip(key.partition), space.stream(key)];
  if (withLog) keys.push(space.log(key.partition));
  const entry = withLog ? `1 ${callId}\n${logItem(commit)}` : "";
  return { keys, args: [group.tip.token, `${expected.version + 1}`, formatRecord(commit, record), entry] };
}

/** As a reply of commit.lua. @param otherwise asks that script: nothing was written */
export async function runOne(
  client: Client,
  { keys, args }: OneCall,
  token: string,
  otherwise: () => Promise<unknown>,
): Promise<unknown> {
  const now = await commitOneScript.run(client, keys, [token, ...args]);
  return now === "" ? otherwise() : [now, "", "committed"];
}
