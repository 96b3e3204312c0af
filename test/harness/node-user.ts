// The Redis user that docs/operations.md gives to nodes, for any network: servers that tests start have it, so that what
// the laws do to a store is done with the rights that the document grants, and no others.

import { readFileSync } from "node:fs";

export const NODE_USER = "pachyderm";
export const NODE_PASSWORD = "a-long-password";

const operations = new URL("../../docs/operations.md", import.meta.url);

/** The rules as they stand in docs/operations.md, for the network `main`. */
export function documentedRules(): readonly string[] {
  const [, block = ""] =
    /redis-cli ACL SETUSER pachyderm ((?:.*\\\n)*.*)\n/.exec(readFileSync(operations, "utf8")) ?? [];
  if (block === "") throw new Error("docs/operations.md has no ACL SETUSER");
  return block
    .replaceAll("\\\n", " ")
    .trim()
    .split(/\s+/)
    .map((rule) => rule.replace(/^'(.*)'$/, "$1"));
}

/** The same commands, on the keys and channels of every network. */
export function rulesForTests(): readonly string[] {
  return documentedRules().map((rule) => rule.replace("{main:meta}:*", "*").replace("{main:*", "*"));
}

export function asNodeUser(url: string): string {
  return url
    .split(",")
    .map((one) => one.replace("redis://", `redis://${NODE_USER}:${NODE_PASSWORD}@`))
    .join(",");
}
