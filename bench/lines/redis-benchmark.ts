// Line (b): the script of line (a) driven by redis-benchmark, a client in C that keeps no state at all.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import type { Contestant } from "../contest.ts";
import type { Server } from "../redis.ts";
import { INCREASED } from "./event.ts";
import { COMPARE_APPEND } from "./plain.ts";

const execute = promisify(execFile);
const TIMEOUT_MS = 30_000;

export interface Benchmark {
  readonly name: string;
  readonly pipeline: number;
  readonly clients: number;
  readonly counters: number;
  readonly sends: number;
}

/** It cannot remember versions, so the script is told to take any: same reads, same write, no comparison. */
export function redisBenchmark(server: Server, figure: string, options: Benchmark): Contestant {
  return {
    name: options.name,
    async measure() {
      const redis = new Redis(server.url);
      const script = String(await redis.script("LOAD", COMPARE_APPEND));
      redis.disconnect();
      const numbers = {
        p: server.port,
        P: options.pipeline,
        c: options.clients,
        n: options.sends,
        r: options.counters,
      };
      const flags = Object.entries(numbers).flatMap(([flag, value]) => [`-${flag}`, String(value)]);
      const command = ["evalsha", script, "1", "redis-benchmark:__rand_int__", "*", "*", INCREASED];
      const { stdout } = await execute("redis-benchmark", [...flags, "--csv", ...command], {
        timeout: TIMEOUT_MS,
      });
      // The JSON of the event stands, with its own quotes, in the row's first column.
      const cells =
        stdout
          .trim()
          .split("\n")
          .at(-1)
          ?.match(/"[\d.]+"/g) ?? [];
      return { [figure]: Number(cells[0]?.slice(1, -1)) };
    },
  };
}
