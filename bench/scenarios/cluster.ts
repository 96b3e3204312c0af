// Three nodes that all send at once, to entities of all of them, beside one node that sends to its own: what a cluster is
// worth, or costs, where the cores are the same.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import type { Order, Report } from "../cluster-node.ts";
import type { Contestant, Figures } from "../contest.ts";
import { onAnyCore } from "../cores.ts";
import type { Load } from "../drive.ts";
import type { Around, Scenario } from "./scenario.ts";
import { RATE } from "./throughput.ts";

/** Of all nodes together, so that the load is the same. */
const IN_FLIGHT = 192;
const COUNTERS = 1_000;
const MOST_SENDS = 400_000;
/** Before the first measurement: code gets faster for some 15 s, and here are three processes that begin with the scenario. */
const LEARN_MS = 20_000;

const running = new Set<BenchNode>();
process.on("exit", () => {
  for (const node of running) node.kill();
});

export const cluster: Scenario = {
  name: "cluster",
  fsync: ["everysec"],
  async prepare(around) {
    if (around.pachyderm === undefined) return [];
    const alone = await startNodes(1, around);
    const three = await startNodes(3, around);
    return [
      {
        title: `cluster: ${COUNTERS.toLocaleString("en")} entities, ${IN_FLIGHT} in flight`,
        contestants: [contestant("one node alone", alone, around), contestant("three nodes", three, around)],
        floors: [],
      },
    ];
  },
  async end() {
    await Promise.all([...running].map((node) => node.end()));
  },
};

async function startNodes(count: number, { server }: Around): Promise<readonly BenchNode[]> {
  const nodes = Array.from({ length: count }, () => new BenchNode(server.url, `bench-of-${count}`));
  await Promise.all(nodes.map((node) => node.ready()));
  return nodes;
}

function contestant(name: string, nodes: readonly BenchNode[], { options }: Around): Contestant {
  let hasLearned = false;
  return {
    name,
    async measure(): Promise<Figures> {
      const ids = Array.from({ length: COUNTERS }, () => randomUUID());
      const load = (ms: number): Load => ({ inFlight: IN_FLIGHT / nodes.length, ms, most: MOST_SENDS });
      const sendAll = (ms: number) => Promise.all(nodes.map((node) => node.ask({ ids, load: load(ms) })));
      const learned = hasLearned ? [] : [await sendAll(LEARN_MS)];
      hasLearned = true;
      const reports = [await sendAll(options.warmUpMs), await sendAll(options.ms)];
      const all = [...learned, ...reports];
      const sends = all.flat().reduce((sum, { value }) => sum + value, 0);
      const held = (await nodes[0]?.ask({ ids }))?.value;
      if (held !== sends) throw new Error(`${name}: ${sends} sends were answered, ${held} are in the log`);
      return { [RATE]: (reports[1] ?? []).reduce((sum, { perSecond }) => sum + perSecond, 0) };
    },
  };
}

class BenchNode {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(url: string, network: string) {
    const program = new URL("../cluster-node.ts", import.meta.url).pathname;
    const [command = "", ...args] = [...onAnyCore(), process.execPath, program, url, network];
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("a node has no output");
    const lines: Interface = createInterface({ input: stdout });
    this.#lines = lines[Symbol.asyncIterator]();
    running.add(this);
  }

  async ready(): Promise<void> {
    await this.#next();
  }

  async ask(order: Order): Promise<Report> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    return JSON.parse(await this.#next()) as Report;
  }

  async end(): Promise<void> {
    running.delete(this);
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    await once(this.#child, "exit");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("a node ended");
    return value;
  }
}
