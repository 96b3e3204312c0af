// How long a send takes, alone: in a network that is made for it.

import { defineEntity } from "../../core/entity.ts";
import { newId } from "../../core/reference.ts";
import { Pachyderm } from "../../node/pachyderm.ts";
import type { RedisInput } from "../../redis/connection.ts";
import { tell } from "../failure.ts";
import { bad, type Check, ok } from "./check.ts";

const SENDS = 200;
/** More than this on an idle Redis, and it is the network or the disk that sends wait for. */
const SLOW_MS = 10;

const probe = defineEntity({
  type: "probe",
  init: () => 0,
  handle: (_message: { readonly type: "probe" }) => [{ type: "probed" as const }],
  update: (_event: { readonly type: "probed" }, count) => count + 1,
});

/** @param monotonicMs a clock that does not jump */
export async function checkLatency(
  redis: RedisInput,
  network: string,
  partitions: number,
  monotonicMs: () => number,
): Promise<Check> {
  try {
    const times = await measure(redis, network, partitions, monotonicMs);
    const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0;
    const found = `${at(0.5).toFixed(2)} ms, one in a hundred ${at(0.99).toFixed(2)} ms`;
    if (at(0.5) <= SLOW_MS) return ok("commit", null, found);
    const change = "bring nodes and Redis nearer to each other; with appendfsync always, use a faster disk";
    return bad("warn", "commit", null, found, change);
  } catch (thrown) {
    const { code, message, advice } = tell(thrown);
    return bad("fail", "commit", null, `${code}: ${message}`, advice);
  }
}

/** Of sends one after the other, sorted. */
async function measure(
  redis: RedisInput,
  network: string,
  partitions: number,
  monotonicMs: () => number,
): Promise<readonly number[]> {
  const node = await Pachyderm.start({ entities: [probe], redis, network, partitions });
  const ids = Array.from({ length: 8 }, () => newId());
  const times: number[] = [];
  try {
    for (let i = 0; i < SENDS; i++) {
      const began = monotonicMs();
      await node.send(probe.ref(ids[i % ids.length] ?? ""), { type: "probe" });
      times.push(monotonicMs() - began);
    }
  } finally {
    await node.stop();
  }
  return times.sort((a, b) => a - b);
}
