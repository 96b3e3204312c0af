// A send to an entity that another node has, in another process, beside one that its own node has: what the way costs.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { onNodeCore, onServerCore } from "../cores.ts";
import { Kept } from "../kept.ts";
import type { Line } from "../line.ts";
import type { Bench } from "../pachyderm.ts";
import type { Around, Scenario } from "./scenario.ts";
import { RATE, throughput, verify } from "./throughput.ts";
import { type Step, Turns } from "./turns.ts";

const NETWORK = "bench-forward";
const ALONE_NETWORK = `${NETWORK}-alone`;
const TRIP = "a raw round trip of ws";
const SUMS = [
  { name: "local and a round trip", steps: ["local", TRIP] },
  { name: "local", steps: ["local"] },
  { name: TRIP, steps: [TRIP] },
  { name: "forwarded", steps: ["forwarded"] },
];
/** About a question of a send, and its answer. */
const FRAME = "x".repeat(200);

/** A node's code learns for its first 15 s, which is worth a third of its speed; the other nodes' processes begin with the scenario. */
const LEARN_MS = 20_000;
const MANY = 1_000;
const LESSONS = [1, MANY].map((counters) => ({ inFlight: 64, counters, ms: LEARN_MS / 2 }));
/** One at a time there are few: each measurement is as long as some thousand turns. */
const ALONE_MS = 3_000;

let turns: Turns | undefined;
let kept: readonly Kept[] = [];
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
    // Of many sends at once it matters what they cost: both nodes share the core that a node alone has.
    await startOther(around, NETWORK, onNodeCore());
    // Of one alone, what waits for what: there the other node is on another core than the sender, as another machine would
    // be. That is Redis's, which has nothing else to do then; left to the scheduler it is the one or the other by chance.
    const port = await startOther(around, ALONE_NETWORK, onServerCore());
    const steps = [
      sends(line(pachyderm, "local", `local-${ALONE_NETWORK}`, true), around),
      roundTrip(port),
      sends(line(pachyderm, "forwarded", ALONE_NETWORK, false), around),
    ];
    turns = new Turns(steps, { learnMs: LEARN_MS, ms: ALONE_MS });
    kept = [keep(pachyderm, "local", `local-${NETWORK}`, true), keep(pachyderm, "forwarded", NETWORK, false)];
    const lines = kept;
    const contest = (title: string, counters: number) => ({
      title: `forward: ${title}, 64 in flight`,
      contestants: lines.map((one) => throughput(one, { inFlight: 64, counters }, around)),
      floors: [{ contestant: "forwarded", figure: RATE, of: "ratio" as const, atLeast: 0.6 }],
    });
    return [
      {
        title: "forward: 1 in flight, in turns",
        contestants: turns.contestants(SUMS),
        floors: [{ contestant: "forwarded", figure: "p50 ms", of: "ratio", atMost: 1 }],
      },
      contest("1 entity", 1),
      contest("1,000 entities", MANY),
    ];
  },
  async end() {
    await turns?.close();
    for (const one of kept) await one.end();
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

/** Another that hosts nothing reads it back. */
function keep(pachyderm: Bench, name: string, network: string, host: boolean): Kept {
  return new Kept(line(pachyderm, name, network, host), LESSONS, line(pachyderm, name, network, false));
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

/** Sends of one counter, which are counted at the end. */
function sends(one: Line, { server }: Around): Step {
  return {
    name: one.name,
    async open() {
      const id = randomUUID();
      const stage = await one.open(server);
      let sent = 0;
      return {
        take: () => {
          sent += 1;
          return stage.send(id);
        },
        async close() {
          await stage.close();
          await verify(await one.open(server), new Map([[id, sent]]));
        },
      };
    },
  };
}

/** A frame there and back on a WebSocket of its own, and nothing else. */
function roundTrip(port: number): Step {
  return {
    name: TRIP,
    async open() {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
      await once(socket, "open");
      let back: () => void = () => {};
      socket.on("message", () => back());
      return {
        take: () =>
          new Promise<void>((resolve) => {
            back = resolve;
            socket.send(FRAME);
          }),
        close: async () => socket.terminate(),
      };
    },
  };
}
