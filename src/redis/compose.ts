// The commit script with jobs: commit.lua, and in it BullMQ's own scripts as functions. Composed when it is first needed;
// the text is the same in every process of one version, so a server keeps one more script and no more.

import { readFileSync } from "node:fs";
import type { BullAdds } from "./bull-adds.ts";
import { Script } from "./script.ts";

/** The line of commit.lua that it stands for. */
const PLACE = "local check_job, write_jobs\n";

/** With its header; a test compares that with the binding. */
export const commitJobsText = readFileSync(new URL("./commit-jobs.lua", import.meta.url), "utf8");

/** The header of commit-jobs.lua; a test holds the two together. */
export const commitJobsHeader = { job: ["queue", "way", "packed", "data", "options"] } as const;

/** @param commit commit.lua */
export function composeCommit(commit: Script, { ways, keys }: Pick<BullAdds, "ways" | "keys">): Script {
  const [before, after, ...more] = commit.text.split(PLACE);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error("commit.lua has no place for jobs, or several");
  const table = keys.map(({ name, type }) => `{ name = '${name}', type = '${type}' }`).join(", ");
  const order = ways.map(({ way, order }) => `${way} = { ${order.map((i) => i + 1).join(", ")} }`).join(", ");
  const bull = [
    `local BULL = { add = {}, keys = { ${table} }, order = { ${order} } }`,
    // Parameters of these names hide the globals, so each script sees its own; its `return` is the function's. The line
    // break before `end`: a script may end in a comment.
    ...ways.map(({ way, lua }) => `BULL.add.${way} = function(KEYS, ARGV)\n${lua}\nend`),
  ];
  return new Script({ text: [before + PLACE.trimEnd(), ...bull, commitJobsText, after].join("\n") });
}
