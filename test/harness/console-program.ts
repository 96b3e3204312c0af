// A program as a person runs it in a terminal: what it prints is watched, Ctrl-C goes to it and all of its group, and what
// it starts is counted.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { endWithUs } from "./leftovers.ts";
import { until } from "./until.ts";

const LONGEST_MS = 30_000;

export class ConsoleProgram {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env, detached: true });
    const callOff = endWithUs(this.#child);
    const hear = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    this.#child.stdout?.on("data", hear);
    this.#child.stderr?.on("data", hear);
    this.#ended = once(this.#child, "close").then(callOff);
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error("it was not started");
    return pid;
  }

  async prints(text: string): Promise<void> {
    await this.#until(`it prints "${text}"`, () => this.#output.includes(text));
  }

  /** As the keyboard does: to every process of its group. */
  pressCtrlC(): void {
    process.kill(-this.pid, "SIGINT");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** @returns its exit code; null: it was killed */
  async ended(): Promise<number | null> {
    await this.#until("it ends", () => this.#child.exitCode !== null || this.#child.signalCode !== null);
    await this.#ended;
    return this.#child.exitCode;
  }

  /** Processes that it has started, and those have started, with their command lines by pid. */
  async started(): Promise<ReadonlyMap<number, string>> {
    const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid=,args="]);
    const all = [...stdout.matchAll(/^ *(\d+) +(\d+) (.*)$/gm)].map(([, pid, parent, args = ""]) => ({
      pid: Number(pid),
      parent: Number(parent),
      args,
    }));
    const found = new Map<number, string>();
    const collect = (parent: number): void => {
      for (const one of all.filter((process) => process.parent === parent)) {
        found.set(one.pid, one.args);
        collect(one.pid);
      }
    };
    collect(this.pid);
    return found;
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    try {
      await until(what, condition, LONGEST_MS);
    } catch (cause) {
      throw new Error(`waited in vain until ${what}. It printed:\n${this.#output}`, { cause });
    }
  }
}

/** Whether there is a process of this pid that still runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
