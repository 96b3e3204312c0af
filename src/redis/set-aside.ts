// The typed side of set-aside.lua.

import type { EntityKey } from "../ports/event-store.ts";
import type { SetAside } from "../ports/timers.ts";
import type { KeySpace } from "./keys.ts";
import { type Client, Script } from "./script.ts";

export const setAsideScript = new Script(new URL("./set-aside.lua", import.meta.url));

/** The header of set-aside.lua; a test holds the two together. */
export const setAsideHeader = {
  keys: ["due", "timers"],
  args: ["id", "name", "mark", "ms", "tries", "error"],
  answers: ["done", "gone"],
} as const;

export interface SetAsideCall {
  readonly key: EntityKey;
  readonly name: string;
  readonly mark: string;
  /** Null: it is parked. */
  readonly ms: number | null;
  readonly tries: number;
  readonly error: string;
}

export async function runSetAside(client: Client, space: KeySpace, call: SetAsideCall): Promise<SetAside> {
  const { key, name, mark, ms, tries, error } = call;
  const keys = [space.due(key.partition), space.timers(key)];
  const args = [key.id, name, mark, ms === null ? "" : `${Math.ceil(ms)}`, `${tries}`, error];
  const answer = await setAsideScript.run(client, keys, args);
  return answer === "done" ? { kind: "done" } : { kind: "gone" };
}
