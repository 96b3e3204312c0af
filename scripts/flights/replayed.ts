// Starts the second process and waits for what it read.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { AirportState } from "../../cluster/entities/airport.ts";
import type { States } from "./differences.ts";

/** @param flights how many were sent, from the first on */
export async function replayed(redis: string, network: string, flights: number): Promise<States> {
  const program = fileURLToPath(new URL("replay.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, redis, network, `${flights}`], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return new Map(JSON.parse(stdout) as [string, AirportState][]);
}
