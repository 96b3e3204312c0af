// Durable effects that failed as often as they may: what they are, and what is to become of them.

import type { FailedEffect } from "../../node/effect-jobs.ts";
import type { Call, Group, Leaf } from "../command.ts";
import { CliFailure, exitCodes } from "../failure.ts";
import { type Paint, tableOf } from "../output.ts";
import type { Remote } from "../remote.ts";

const list: Leaf = {
  usage: "list",
  summary: "those that failed, with what the last failure said",
  reaches: "nodes",
  options: [["--limit <number>", "at most so many (100)"]],
  async run(call) {
    const limit = call.options.whole("limit", 1, 10_000) ?? 100;
    const remote = await call.connect();
    const effects = await remote.failedEffects(limit);
    await call.output.tell({ effects }, (paint) => describe(effects, paint));
    return exitCodes.done;
  },
};

const TRIED = "is tried again";

const retry: Leaf = {
  usage: "retry <id>",
  summary: 'has one, or "all", tried again, with all attempts before it',
  reaches: "nodes",
  options: [],
  run: (call) => act(call, TRIED, (remote, id) => remote.retryEffect(id)),
};

const drop: Leaf = {
  usage: "drop <id>",
  summary: "forgets one: it will never be run",
  reaches: "nodes",
  options: [],
  run: (call) => act(call, "is forgotten", (remote, id) => remote.dropEffect(id)),
};

export const effects: Group = {
  usage: "effects",
  summary: "durable effects that failed",
  commands: [list, retry, drop],
};

async function act(
  call: Call,
  what: string,
  run: (remote: Remote, id: string) => Promise<number>,
): Promise<number> {
  const [id = ""] = call.args;
  const count = await run(await call.connect(), id);
  const isAll = id === "all" && what === TRIED;
  if (count === 0 && !isAll) throw new CliFailure("NO_EFFECT", `no effect with the id ${id} has failed`);
  await call.output.tell({ count }, () => (isAll ? `${count}: each ${what}` : `${id} ${what}`));
  return exitCodes.done;
}

const HEAD = ["id", "effect", "entity", "version", "attempts", "error"];

function describe(failed: readonly FailedEffect[], paint: Paint): string {
  if (failed.length === 0) return "no effect has failed";
  return tableOf(HEAD, failed.map(rowOf), paint);
}

function rowOf({ id, effect, reference, version, attempts, error }: FailedEffect): string[] {
  const [line = ""] = error.split("\n");
  return [id, effect, `${reference.type} ${reference.id}`, `${version}`, `${attempts}`, line];
}
