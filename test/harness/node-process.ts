// A node of a cluster under test, in a process of its own: spoken to over IPC, with verbs for what can befall it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Answer, Ask, ClusterNodeOrder, NodeView } from "../programs/cluster-node.ts";
import { endWithUs } from "./leftovers.ts";
import type { LoadOrder, Told } from "./load.ts";
import type { ReadRows } from "./read-rows.ts";

/** What became of one message that was sent alone. */
export type Sent = { readonly tookMs: number } & (
  | { readonly kind: "answered"; readonly handledVersion: number; readonly duplicate: boolean }
  | { readonly kind: "failed"; readonly code: string; readonly outcome: string }
);

interface Asked {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

const ANSWER_MS = 30_000;
/** The first line of a node, that it has started, and the last one, what its senders were told. */
const STARTED = 0;
const STOPPED = -1;

export class NodeProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, Asked>();
  readonly #ended: Promise<void>;
  #number = 0;
  #id: string | null = null;
  #frozen = false;
  #stderr = "";

  private constructor(name: string, order: ClusterNodeOrder) {
    this.name = name;
    const file = fileURLToPath(new URL("../programs/cluster-node.ts", import.meta.url));
    const flags = [
      "--unhandled-rejections=strict",
      "--disable-warning=PACHYDERM_REDIS",
      "--disable-warning=PACHYDERM_WIRE",
      "--disable-warning=PACHYDERM_VIEWS",
    ];
    this.#child = spawn(process.execPath, [...flags, file, JSON.stringify(order)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "advanced",
    });
    const folder = mkdtempSync(join(tmpdir(), "pachyderm-node-"));
    const callOffWatch = endWithUs(this.#child, folder);
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    this.#child.on("message", (answer: Answer) => this.#answered(answer));
    this.#child.on("error", () => {}); // it does not answer, and that is told
    this.#ended = once(this.#child, "close").then(() => {
      callOffWatch();
      rmSync(folder, { recursive: true, force: true });
      for (const { reject } of this.#asked.values()) reject(this.#failure("has ended"));
      this.#asked.clear();
    });
  }

  /** Starts a node; it serves when this settles. */
  static async start(name: string, order: ClusterNodeOrder): Promise<NodeProcess> {
    const node = new NodeProcess(name, order);
    node.#id = (await node.#answerTo(STARTED, "start")) as string | null;
    return node;
  }

  /** By which the others know it; null: it only sends. */
  get id(): string | null {
    return this.#id;
  }

  /** What it wrote where nothing should be. */
  get stderr(): string {
    return this.#stderr;
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** SIGKILL: it ends now, and says nothing. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** SIGSTOP: its connections stay open, and nothing answers. */
  freeze(): void {
    this.#frozen = true;
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#frozen = false;
    this.#child.kill("SIGCONT");
  }

  /** An orderly end: its senders begin nothing new. All that they were told. */
  async stop(): Promise<readonly Told[]> {
    const told = this.#answerTo(STOPPED, "stop");
    if (this.#child.connected) this.#child.send({ number: STOPPED - 1, ask: "stop" });
    const value = (await told) as readonly Told[];
    await this.#ended;
    if (this.#child.exitCode !== 0) throw this.#failure(`ended with ${this.#child.exitCode}`);
    return value;
  }

  /** Ends it, whatever it is at. */
  async end(): Promise<void> {
    if (this.#frozen) this.thaw();
    this.kill();
    await this.#ended;
  }

  async load(order: LoadOrder): Promise<void> {
    await this.#ask({ ask: "load", order });
  }

  /** Ends the load: all that its senders were told. */
  async finish(): Promise<readonly Told[]> {
    return (await this.#ask({ ask: "finish" })) as readonly Told[];
  }

  async send(type: string, id: string, op: string, timeoutMs = 5_000): Promise<Sent> {
    return (await this.#ask({ ask: "send", type, id, op, timeoutMs })) as Sent;
  }

  /** Who has the entity, as the node knows, asked so many times. */
  async locate(id: string, times = 1): Promise<string | null> {
    return (await this.#ask({ ask: "locate", id, times })) as string | null;
  }

  async view(): Promise<NodeView> {
    return (await this.#ask({ ask: "view" })) as NodeView;
  }

  /** All rows of the views of shelves, those of these entities by `get`. */
  async rows(ids: readonly string[]): Promise<readonly ReadRows[]> {
    return (await this.#ask({ ask: "rows", ids })) as readonly ReadRows[];
  }

  #ask(ask: Ask): Promise<unknown> {
    this.#number += 1;
    const answer = this.#answerTo(this.#number, ask.ask);
    if (this.#child.connected) this.#child.send({ ...ask, number: this.#number });
    return answer;
  }

  #answerTo(number: number, what: string): Promise<unknown> {
    if (!this.runs) return Promise.reject(this.#failure(`has ended, and is asked to ${what}`));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => reject(this.#failure(`did not answer ${what} in time`)), ANSWER_MS);
    const done = <T>(settle: (value: T) => void) => {
      return (value: T): void => {
        clearTimeout(timer);
        this.#asked.delete(number);
        settle(value);
      };
    };
    this.#asked.set(number, { resolve: done(resolve), reject: done(reject) });
    return promise;
  }

  #answered(answer: Answer): void {
    const asked = this.#asked.get(answer.number);
    if ("failure" in answer) asked?.reject(this.#failure(`says: ${answer.failure}`));
    else asked?.resolve(answer.value);
  }

  #failure(what: string): Error {
    return new Error(`the node ${this.name} ${what}. It wrote:\n${this.#stderr}`);
  }
}
