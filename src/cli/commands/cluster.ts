// Who is there, and who owns what.

import type { NodeView } from "../../node/cluster-view.ts";
import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";
import { type Paint, tableOf } from "../output.ts";
import type { RemoteCluster } from "../remote.ts";

export const cluster: Leaf = {
  usage: "cluster",
  summary: "the nodes of a network, and the partitions that each of them owns",
  reaches: "nodes",
  options: [["--locate <id>", "the partition and the owner of this entity, too"]],
  async run(call) {
    const remote = await call.connect();
    const view = await remote.cluster(call.options.text("locate"));
    await call.output.tell(view, (paint) => describe(view, paint));
    return exitCodes.done;
  },
};

const HEAD = ["node", "address", "http", "since", "partitions", "types"];

function describe(view: RemoteCluster, paint: Paint): string {
  const { network, partitions, nodes } = view;
  const free = partitions.filter(({ owner }) => owner === null).map(({ partition }) => partition);
  return [
    `network ${paint.bold(network)}: ${nodes.length} nodes, ${partitions.length} partitions`,
    ...(nodes.length === 0 ? [] : [tableOf(HEAD, nodes.map(rowOf), paint)]),
    ...(free.length === 0 ? [] : [paint.yellow(`without an owner: ${rangesOf(free)}`)]),
    ...located(view),
  ].join("\n");
}

function rowOf({ id, address, http, since, partitions, types }: NodeView): string[] {
  const owned = partitions.length === 0 ? "none" : `${partitions.length}: ${rangesOf(partitions)}`;
  return [id, address ?? "", http ?? "", new Date(since).toISOString(), owned, types.join(" ")];
}

function located({ partition, owner, nodes }: RemoteCluster): string[] {
  if (partition === undefined) return [];
  const address = nodes.find(({ id }) => id === owner)?.address ?? "";
  return [`it is in partition ${partition}, of ${owner ?? "nobody"} ${address}`.trimEnd()];
}

/** Such as `0-3 7 9-10`. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(" ");
}
