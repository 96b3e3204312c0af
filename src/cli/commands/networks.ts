// The networks on a Redis: which there are, and the end of one.

import { readEnvironment } from "../../node/environment.ts";
import { type NetworkFacts, Networks } from "../../redis/networks.ts";
import type { Call, Group, Leaf } from "../command.ts";
import { exitCodes, usage } from "../failure.ts";
import { tableOf } from "../output.ts";
import { answerTo } from "../standard-input.ts";

const START_MS = 5_000;
const HEAD = ["network", "partitions", "nodes", "entities"];

export const networks: Leaf = {
  usage: "networks",
  summary: "the networks on a Redis; walks all its keys, in pages",
  reaches: "redis",
  options: [],
  async run(call) {
    const found = await using(call, (on) => on.list());
    await call.output.tell(found, (paint) =>
      found.length === 0 ? "there is no network on this Redis" : tableOf(HEAD, found.map(rowOf), paint),
    );
    return exitCodes.done;
  },
};

const destroy: Leaf = {
  usage: "destroy <name>",
  summary: "remove a network: every entity, event, timer and effect of it, for ever",
  reaches: "redis",
  options: [["--confirm <name>", "the name once more, where nobody is there to type it"]],
  async run(call) {
    const [name = ""] = call.args;
    const removed = await using(call, async (on) => {
      const { entities } = await on.known(name);
      await confirm(call, name, entities);
      return await on.destroy(name);
    });
    await call.output.tell({ network: name, removed }, () => `the network ${name} is gone: ${removed} keys`);
    return exitCodes.done;
  },
};

export const network: Group = {
  usage: "network",
  summary: "what can be done to a network",
  commands: [destroy],
};

/** Typed, and not a yes: whoever has the wrong Redis before him has another name before him. */
async function confirm({ options, output }: Call, name: string, entities: number | null): Promise<void> {
  let typed = options.text("confirm");
  if (typed === undefined) {
    if (output.isJson) throw usage("with --json, --confirm <name> says that it is meant");
    const question = `This removes ${entities ?? "all"} entities of the network ${name} for ever. Type its name: `;
    typed = await answerTo(question);
  }
  if (typed !== name) throw usage(`what was typed is not ${name}: nothing is removed`);
}

async function using<T>(call: Call, run: (networks: Networks) => Promise<T>): Promise<T> {
  const { start } = await readEnvironment({ ...call.variables, PACHYDERM_ENTITIES: "" });
  const on = await Networks.open(start.redis ?? "", START_MS);
  try {
    return await run(on);
  } finally {
    on.close();
  }
}

function rowOf({ network: name, settings, nodes, entities }: NetworkFacts): string[] {
  return [name, `${settings?.partitions ?? "?"}`, `${nodes}`, `${entities ?? "?"}`];
}
