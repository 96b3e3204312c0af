// A node as a process of its own: cluster/main.ts, told by its environment, stopped by a signal, and never left behind.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { endWithUs } from "../../test/harness/leftovers.ts";

export interface NodeOrder {
  readonly name: string;
  readonly httpPort: number;
  /** Everything else that it finds in its environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with each line that it writes. */
  readonly onLine: (line: string) => void;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const program = fileURLToPath(new URL("../../cluster/main.ts", import.meta.url));
const START_MS = 20_000;
const LOOK_MS = 25;
/** More than a node gives itself to stop, see cluster/main.ts. */
const STOP_MS = 20_000;
const LINES_KEPT = 20;

export class NodeProcess {
  readonly name: string;
  /** Of its HTTP door. */
  readonly address: string;
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #isEnded = false;
  #isMeant = false;

  constructor({ name, httpPort, env, onLine }: NodeOrder) {
    this.name = name;
    this.address = `http://127.0.0.1:${httpPort}`;
    const own = { PACHYDERM_HOST: "127.0.0.1", PACHYDERM_PORT: "0", PACHYDERM_HTTP_HOST: "127.0.0.1" };
    this.#child = spawn(process.execPath, [program], {
      env: { ...env, ...own, PACHYDERM_HTTP_PORT: `${httpPort}` },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // Ctrl-C is for the program that started it, which stops nodes before their Redis
    });
    const callOff = endWithUs(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) this.#listen(stream, onLine);
    this.ended = once(this.#child, "close").then(([code, signal]) => {
      this.#isEnded = true;
      callOff();
      return { code, signal } as Ending;
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether its end was asked for here. */
  get isMeant(): boolean {
    return this.#isMeant;
  }

  /** Settles when it takes messages. @throws Error with its last lines, if it ends, or takes too long */
  async serves(): Promise<void> {
    const giveUpAt = performance.now() + START_MS;
    while (!(await this.#isReady())) {
      if (this.#isEnded) throw new Error(`${this.name} did not start:\n${this.#lastLines.join("\n")}`);
      if (performance.now() > giveUpAt)
        throw new Error(`${this.name} does not serve after ${START_MS} ms:\n${this.#lastLines.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** As the kernel would, when memory is short: nothing of it has a say. */
  kill(): Promise<Ending> {
    this.#isMeant = true;
    if (!this.#isEnded) this.#child.kill("SIGKILL");
    return this.ended;
  }

  /** Drains it; killed if it takes too long. */
  async stop(): Promise<Ending> {
    this.#isMeant = true;
    if (!this.#isEnded) this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    const ending = await this.ended;
    clearTimeout(late);
    return ending;
  }

  async #isReady(): Promise<boolean> {
    try {
      const { ok } = await fetch(`${this.address}/readyz`, { signal: AbortSignal.timeout(1_000) });
      return ok && !this.#isEnded;
    } catch {
      return false; // nobody listens yet
    }
  }

  #listen(stream: Readable | null, onLine: (line: string) => void): void {
    if (stream === null) return;
    createInterface({ input: stream }).on("line", (line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > LINES_KEPT) this.#lastLines.shift();
      onLine(line);
    });
  }
}
