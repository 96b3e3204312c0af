// A program of test/programs in a process of its own, which does not outlive this one.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { compileCache } from "./compile-cache.ts";

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** All that it wrote. */
  readonly stdout: string;
  readonly stderr: string;
  /** From its last output to its end. */
  readonly lingeredMs: number;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #ending: Promise<Ending>;
  #stdout = "";
  #lastOutput = 0;
  #stderr = "";
  #heard: () => void = () => {};

  /** @param order what it finds, as JSON, in its first argument */
  constructor(name: string, order: unknown) {
    const file = fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url));
    this.#name = name;
    // A rejection that nobody handles ends a process with code 1: Node's default, said here because tests rely on it.
    const flags = ["--unhandled-rejections=strict", "--disable-warning=PACHYDERM_REDIS"];
    this.#child = spawn(process.execPath, [...flags, file, JSON.stringify(order)], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...compileCache },
    });
    const child = this.#child;
    running.add(child);
    child.stdin?.on("error", () => {}); // it ended first, as `ended` tells
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#lastOutput = performance.now();
      this.#heard();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.#ending = once(child, "close").then(([code, signal]) => {
      running.delete(child);
      this.#heard();
      const lingeredMs = performance.now() - this.#lastOutput;
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr, lingeredMs } as Ending;
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** SIGSTOP: its connections stay open, and nothing answers. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }

  /** Settles when it has printed this line. */
  async prints(line: string, longestMs = 20_000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (why: string) =>
      reject(
        new Error(
          `${this.#name} ${why} without printing "${line}". It wrote:\n${this.#stdout}${this.#stderr}`,
        ),
      );
    const look = (): void => {
      if (`\n${this.#stdout}`.includes(`\n${line}\n`)) resolve();
      else if (!running.has(this.#child)) fail("ended");
    };
    const timer = setTimeout(() => fail(`ran for ${longestMs} ms`), longestMs);
    this.#heard = look;
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#heard = () => {};
    }
  }

  /** How it ended; killed, and an error, if it does not. */
  async ended(longestMs: number): Promise<Ending> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.kill();
    }, longestMs);
    const ending = await this.#ending;
    clearTimeout(timer);
    if (!late) return ending;
    throw new Error(
      `${this.#name} was not at its end after ${longestMs} ms. It wrote:\n${ending.stdout}${ending.stderr}`,
    );
  }
}
