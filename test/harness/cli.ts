// The command line as its users have it: the built program, in a process of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const cliFile = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
export const entitiesFile = fileURLToPath(new URL("../programs/cli-entities.ts", import.meta.url));

if (!existsSync(cliFile)) throw new Error("there is no build to try: npm run build");

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

type Variables = Readonly<Record<string, string>>;

/** Nothing of the environment that the tests run in. */
function environment(variables: Variables): Variables {
  return { PATH: process.env["PATH"] ?? "", ...variables };
}

export class Cli {
  readonly #child;
  readonly #ending: Promise<CliEnd>;
  #stdout = "";
  #stderr = "";
  #heard: () => void = () => {};

  /** @param input what it finds on standard input */
  constructor(words: readonly string[], variables: Variables = {}, input = "") {
    const child = spawn(process.execPath, [cliFile, ...words], {
      stdio: ["pipe", "pipe", "pipe"],
      env: environment(variables),
    });
    this.#child = child;
    running.add(child);
    child.stdin.on("error", () => {}); // it did not read
    child.stdin.end(input);
    child.stdout.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#heard();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.#ending = once(child, "close").then(([code]) => {
      running.delete(child);
      this.#heard();
      return { code: code as number | null, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  /** All that it said on its standard output until now. */
  get said(): string {
    return this.#stdout;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Settles when a text stands on its standard output. */
  async says(text: string, longestMs = 20_000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (why: string) =>
      reject(new Error(`it ${why} without saying "${text}". It said:\n${this.#stdout}${this.#stderr}`));
    const look = (): void => {
      if (this.#stdout.includes(text)) resolve();
      else if (!running.has(this.#child)) fail("ended"); // closed, and not just exited: what it said last may be on its way
    };
    const timer = setTimeout(() => fail(`ran for ${longestMs} ms`), longestMs);
    this.#heard = look;
    look();
    await promise.finally(() => clearTimeout(timer));
  }

  /** How it ended; killed, and an error, if it does not. */
  async ended(longestMs = 25_000): Promise<CliEnd> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#child.kill("SIGKILL");
    }, longestMs);
    const end = await this.#ending;
    clearTimeout(timer);
    if (late)
      throw new Error(`it was not at its end after ${longestMs} ms. It said:\n${end.stdout}${end.stderr}`);
    return end;
  }
}

export async function runCli(
  words: readonly string[],
  variables: Variables = {},
  input = "",
): Promise<CliEnd> {
  return await new Cli(words, variables, input).ended();
}

/** The one document on its standard output. */
export function documentOf({ code, stdout, stderr }: CliEnd): Readonly<Record<string, unknown>> {
  if (code !== 0) throw new Error(`it ended with code ${code}:\n${stderr}`);
  if (stdout.indexOf("\n") !== stdout.length - 1) throw new Error(`this is not one line:\n${stdout}`);
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

/** Code and error, of a call with --json that failed. */
export function errorOf({ code, stdout, stderr }: CliEnd) {
  if (stdout !== "") throw new Error(`standard output should be empty:\n${stdout}`);
  const { error } = JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as {
    readonly error: Readonly<Record<string, unknown>>;
  };
  return { exit: code, code: error["code"], outcome: error["outcome"], error };
}
