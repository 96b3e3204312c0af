// The typed side of due.lua.

import type { Due, DueRequest, DueTimer } from "../ports/timers.ts";
import type { KeySpace } from "./keys.ts";
import { type Client, Script } from "./script.ts";
import { parseTimer } from "./timer-format.ts";

export const dueScript = new Script(new URL("./due.lua", import.meta.url));

/** The header of due.lua; a test holds the two together. */
export const dueHeader = { keys: ["due", "timers"], args: ["limit..."] } as const;

export async function runDue(
  client: Client,
  space: KeySpace,
  requests: readonly DueRequest[],
): Promise<readonly Due[]> {
  const keys = requests.flatMap(({ partition }) => [space.due(partition), space.timersOf(partition)]);
  const args = requests.map(({ limit }) => `${limit}`);
  const [now, ...found] = (await dueScript.run(client, keys, args)) as [string, ...string[][]];
  return found.map(([next = "", ...rest]) => ({
    kind: "due",
    now: Number(now),
    timers: decodeTimers(rest),
    next: next === "" ? null : Number(next),
  }));
}

/** Where the id ends in a member. */
const ID_LENGTH = 36;

/** Member and text in turn. */
function decodeTimers(rest: readonly string[]): readonly DueTimer[] {
  const timers: DueTimer[] = [];
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const [member = "", text = ""] = [rest[i], rest[i + 1]];
    const name = member.slice(ID_LENGTH + 1);
    timers.push({ id: member.slice(0, ID_LENGTH), name, timer: parseTimer(name, text) ?? null });
  }
  return timers;
}
