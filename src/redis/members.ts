// The typed side of members.lua.

import type { Member } from "../core/member.ts";
import { metaKey } from "./keys.ts";
import { readMember, writeMember } from "./member-format.ts";
import { type Client, Script } from "./script.ts";

export const membersScript = new Script(new URL("./members.lua", import.meta.url));

/** The header of members.lua; a test holds the two together. */
export const membersHeader = {
  keys: ["nodes", "beats"],
  args: ["step", "id", "member", "ttl", "known"],
  steps: ["announce", "leave", "look"],
} as const;

export type Step =
  | { readonly kind: "announce"; readonly member: Member; readonly ttlMs: number }
  | { readonly kind: "leave"; readonly id: string }
  | { readonly kind: "look" };

/** Who is there, and the digest by which the script knows that nothing changed since. */
export interface Roll {
  readonly digest: string;
  readonly members: readonly Member[];
}

export const emptyRoll: Roll = { digest: "", members: [] };

export async function runMembers(
  client: Client,
  network: string,
  step: Step,
  known: Roll,
): Promise<{ readonly now: number; readonly roll: Roll }> {
  const keys = [metaKey(network, "nodes"), metaKey(network, "beats")];
  const args = [...argumentsOf(step), known.digest];
  const reply = (await membersScript.run(client, keys, args)) as [string, string, string[]?];
  const [now, digest, texts] = reply;
  if (texts === undefined) return { now: Number(now), roll: known };
  const members = texts.map(readMember).filter((member) => member !== undefined);
  return { now: Number(now), roll: { digest, members } };
}

function argumentsOf(step: Step): readonly string[] {
  switch (step.kind) {
    case "announce":
      return ["announce", step.member.id, writeMember(step.member), `${step.ttlMs}`];
    case "leave":
      return ["leave", step.id, "", ""];
    case "look":
      return ["look", "", "", ""];
  }
}
