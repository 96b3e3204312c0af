// A send to an entity that another node has, in another process, beside one that its own node has: what the way costs.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import type { Contestant, Figures } from "../contest.ts";
import { onNodeCore, onServerCore } from "../cores.ts";
import { drive } from "../drive.ts";
import type { Line } from "../line.ts";
import type { Bench } from "../pachyderm.ts";
import { quantile } from "../statistics.ts";
import { latency } from "./alone.ts";
import type { Around, Scenario } from "./scenario.ts";
import { RATE, throughput } from "./throughput.ts";

const NETWORK = "bench-forward";
const P50 = "p50 ms";
/** About a question of a send, and its answer. */
const FRAME = Buffer.alloc(200);

/** What the code of a node has learned is worth a third of its speed: both have been at work for so long. */
const LEARN_MS = 4_000;

const others: ChildProcess[] = [];
process.on("exit", () => {
  for (const other of others) other.kill("SIGKILL");
});

export const forward: Scenario = {
  name: "forward",
  fsync: ["everysec"],
  async prepare(around) {
    const { pachyderm } = around;
    if (pachyderm === undefined) return [];
    const local = line(pachyderm, "local", "bench-local", true);
    // Of many sends at once it matters what they cost: both nodes share the core that a node alone has.
    const forwarded = line(pachyderm, "forwarded", NETWORK, false);
    await startOther(around, NETWORK, onNodeCore());
    // Of one alone, what waits for what: there the other node is on another core than the sender, as another machine would
    // be. That is Redis's, which has nothing else to do then; left to the scheduler it is the one or the other by chance.
    const alone = line(pachyderm, "forwarded", `${NETWORK}-alone`, false);
    const port = await startOther(around, `${NETWORK}-alone`, onServerCore());
    for (const one of [local, forwarded, alone]) await learn(one, around);
    const contest = (title: string, counters: number) => ({
      title: `forward: ${title}, 64 in flight`,
      contestants: [local, forwarded].map((one) => throughput(one, { inFlight: 64, counters }, around)),
      floors: [{ contestant: "forwarded", figure: RATE, of: "ratio" as const, atLeast: 0.6 }],
    });
    const trip = roundTrip(port, around);
    return [
      contest("1 entity", 1),
      contest("1,000 entities", 1_000),
      {
        title: "forward: 1 in flight",
        contestants: [
          sum("local and a round trip", latency(local, around), trip),
          trip,
          latency(alone, around),
        ],
        floors: [{ contestant: "forwarded", figure: P50, of: "ratio", atMost: 1 }],
      },
    ];
  },
  async end() {
    for (const other of others) {
      if (other.exitCode !== null) continue;
      other.stdin?.end();
      await once(other, "exit");
    }
  },
};

/** A node that hosts all it sends to, or one that hosts nothing. */
function line(pachyderm: Bench, name: string, network: string, host: boolean): Line {
  return pachyderm.line({ log: true, snapshot: true, cluster: { network, host } }, name);
}

async function learn(one: Line, { server }: Around): Promise<void> {
  const stage = await one.open(server);
  const id = randomUUID();
  await drive({ inFlight: 64, ms: LEARN_MS, most: Number.POSITIVE_INFINITY }, () => stage.send(id));
  await stage.close();
}

/** @returns the port of its bare echo */
async function startOther({ server }: Around, network: string, core: readonly string[]): Promise<number> {
  const program = new URL("../other-node.ts", import.meta.url).pathname;
  const [command = "", ...args] = [...core, process.execPath, program, server.url, network];
  const other = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  others.push(other);
  if (other.stdout === null) throw new Error("the other node has no output");
  for await (const text of createInterface(other.stdout)) return Number(text);
  throw new Error("the other node did not start");
}

/** A frame there and back on a WebSocket of its own, and nothing else. */
function roundTrip(port: number, { options }: Around): Contestant {
  return {
    name: "a raw round trip of ws",
    async measure(): Promise<Figures> {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
      await once(socket, "open");
      const took: number[] = [];
      const ask = async (): Promise<void> => {
        const start = performance.now();
        socket.send(FRAME);
        await once(socket, "message");
        took.push(performance.now() - start);
      };
      await drive({ inFlight: 1, ms: options.warmUpMs, most: 50_000 }, ask);
      took.length = 0;
      await drive({ inFlight: 1, ms: options.ms, most: 50_000 }, ask);
      socket.terminate();
      const sorted = Float64Array.from(took).sort();
      return { [P50]: quantile(sorted, 0.5), "p99 ms": quantile(sorted, 0.99) };
    },
  };
}

/** What two would take one after the other. */
function sum(name: string, one: Contestant, two: Contestant): Contestant {
  return {
    name,
    async measure(): Promise<Figures> {
      const [a, b] = [await one.measure(), await two.measure()];
      return { [P50]: (a[P50] ?? Number.NaN) + (b[P50] ?? Number.NaN) };
    },
  };
}
