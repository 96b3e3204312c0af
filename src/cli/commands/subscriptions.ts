// The subscriptions of a network: how they stand, and steering them.

import type { Call, Group, Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";
import { type Paint, tableOf } from "../output.ts";
import type { Remote, RemoteSubscription } from "../remote.ts";

const list: Leaf = {
  usage: "list",
  summary: "their names, and how each stands",
  reaches: "nodes",
  options: [],
  async run({ output, connect }) {
    const remote = await connect();
    const subscriptions = await Promise.all(
      (await remote.subscriptions()).map((name) => remote.subscription(name)),
    );
    await output.tell({ subscriptions }, (paint) => describeAll(subscriptions, paint));
    return exitCodes.done;
  },
};

const lag: Leaf = {
  usage: "lag <name>",
  summary: "how one stands in each partition",
  reaches: "nodes",
  options: [],
  async run({ args: [name = ""], output, connect }) {
    const subscription = await (await connect()).subscription(name);
    await output.tell(subscription, (paint) => describeOne(subscription, paint));
    return exitCodes.done;
  },
};

const pause: Leaf = {
  usage: "pause <name>",
  summary: "stops one after the event under way, until it is resumed",
  reaches: "nodes",
  options: [],
  run: (call) => steer(call, "is paused", (remote, name) => remote.steerSubscription(name, "pause")),
};

const resume: Leaf = {
  usage: "resume <name>",
  summary: "lets one go on that was paused, or has parked",
  reaches: "nodes",
  options: [],
  run: (call) => steer(call, "goes on", (remote, name) => remote.steerSubscription(name, "resume")),
};

const rewind: Leaf = {
  usage: "rewind <name> <to>",
  summary: 'lets one go on from "start", "now" or a cursor of a subscription',
  reaches: "nodes",
  options: [],
  run: (call) =>
    steer(call, "goes on from there", (remote, name) => remote.rewindSubscription(name, call.args[1] ?? "")),
};

export const subscriptions: Group = {
  usage: "subscriptions",
  summary: "what is handled of all that happened",
  commands: [list, lag, pause, resume, rewind],
};

async function steer(
  call: Call,
  what: string,
  run: (remote: Remote, name: string) => Promise<void>,
): Promise<number> {
  const [name = ""] = call.args;
  await run(await call.connect(), name);
  await call.output.tell({ name }, () => `${name} ${what}`);
  return exitCodes.done;
}

function describeAll(all: readonly RemoteSubscription[], paint: Paint): string {
  if (all.length === 0) return "there is no subscription";
  const rows = all.map(({ name, caughtUp, behindMs, partitions }) => {
    const troubled = partitions.filter(({ status }) => status !== "running").length;
    return [
      name,
      caughtUp ? "caught up" : `${behindMs} ms behind`,
      troubled === 0 ? "" : `${troubled} not running`,
    ];
  });
  return tableOf(["name", "", ""], rows, paint);
}

function describeOne({ partitions }: RemoteSubscription, paint: Paint): string {
  const rows = partitions.map(({ partition, status, behindMs, truncated, removed, error }) => {
    const [line = ""] = error.split("\n");
    return [`${partition}`, status, `${behindMs}`, `${truncated}`, `${removed}`, line];
  });
  return tableOf(["partition", "status", "behind (ms)", "truncated", "removed", "error"], rows, paint);
}
