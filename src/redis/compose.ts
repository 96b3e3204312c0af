// The commit script with jobs: commit.lua, and in it BullMQ's own scripts as functions. Composed when it is first needed;
// the text is the same in every process of one version, so a server keeps one more script and no more.

import type { BullAdds } from "./bull-adds.ts";
import { splitText } from "./bull-text.ts";
import { commitJobsText } from "./commit-jobs.ts";
import { Script } from "./script.ts";

/** The line of commit.lua that it stands for. */
const PLACE = "local check_job, write_jobs\n";

/** @param commit commit.lua */
export function composeCommit(commit: Script, { ways, keys }: Pick<BullAdds, "ways" | "keys">): Script {
  const [before, after, ...more] = commit.text.split(PLACE);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error("commit.lua has no place for jobs, or several");
  const table = keys.map(({ name, type }) => `{ name = '${name}', type = '${type}' }`).join(", ");
  const order = ways.map(({ way, order }) => `${way} = { ${order.map((i) => i + 1).join(", ")} }`).join(", ");
  const bull = [
    `local BULL = { make = {}, keys = { ${table} }, order = { ${order} } }`,
    ...ways.map(({ way, lua }) => functionOf(way, lua)),
  ];
  return new Script({ text: [before + PLACE.trimEnd(), ...bull, commitJobsText, after].join("\n") });
}

/**
 * Parameters of these names hide the globals, so each script sees its own: its keys and arguments, and what it reads and
 * writes MessagePack and JSON with. Its `return` is the function's. The line break before `end`: a script may end in a comment.
 */
function functionOf(way: string, lua: string): string {
  const { defines, does } = splitText(lua);
  return `BULL.make.${way} = function(cmsgpack, cjson)\n${defines}return function(KEYS, ARGV)\n${does}\nend\nend`;
}
