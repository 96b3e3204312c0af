// A private Redis for one test file: its own folder, a port that the system chose, and verbs for what can befall it.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";
import { endWithUs } from "./leftovers.ts";
import { asNodeUser, NODE_USER, rulesForTests } from "./node-user.ts";

export interface RedisServerOptions {
  /** Settings of redis.conf, over those below. */
  readonly config?: Readonly<Record<string, string>>;
  /** A node of a cluster: gets a cluster bus port as well. */
  readonly cluster?: boolean;
  /** Has the user that docs/operations.md gives to nodes: see `nodeUrl`. */
  readonly nodeUser?: boolean;
  /** The server program. Default: `redis-server`. */
  readonly program?: string;
  /** Default: whichever port is free. */
  readonly choosePort?: () => Promise<number>;
}

/** As docs/redis.md wants a Redis to be run. */
const asRecommended = {
  bind: "127.0.0.1",
  daemonize: "no",
  save: "",
  appendonly: "yes",
  appendfsync: "everysec",
  "stream-node-max-bytes": "512",
  "maxmemory-policy": "noeviction",
} as const;

const READY_MS = 20_000;
/** Another process may take a port between its choice and its use. */
const PORT_TRIES = 5;

export class RedisServer {
  readonly folder: string;
  readonly #options: RedisServerOptions;
  #ports: { readonly port: number; readonly busPort: number } = { port: 0, busPort: 0 };
  #child: ChildProcess | null = null;
  #callOffWatch: () => void = () => {};

  private constructor(options: RedisServerOptions) {
    this.#options = options;
    this.folder = mkdtempSync(join(tmpdir(), "pachyderm-test-"));
  }

  /** Starts a server; it answers when this settles. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(options);
    for (let tries = 1; ; tries++) {
      const { cluster = false, choosePort = freePort } = options;
      server.#ports = { port: await choosePort(), busPort: cluster ? await choosePort() : 0 };
      try {
        await server.#spawn();
        return server;
      } catch (thrown) {
        if (tries < PORT_TRIES && thrown instanceof PortTaken) continue;
        await server.stop();
        throw thrown;
      }
    }
  }

  get port(): number {
    return this.#ports.port;
  }

  get busPort(): number {
    return this.#ports.busPort;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** As a node of production comes: by a user that may do no more than docs/operations.md says. */
  get nodeUrl(): string {
    if (this.#options.nodeUser !== true) throw new Error("this server was started without nodeUser");
    return asNodeUser(this.url);
  }

  /** Undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ends it for good, and removes what it stored. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** SIGKILL, as by the kernel when memory is short. What the server had written to its files stays. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    this.#callOffWatch();
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  /**
   * Kills it if it runs, and starts it again on its port, with all that it had acknowledged. With appendfsync everysec a
   * Redis puts off its write while an fsync runs long, so that one killed beside a busy disk has lost what it had
   * acknowledged: whoever wants that takes the file away by hand.
   */
  async restart(): Promise<void> {
    if (this.#child !== null) await this.ask((client) => client.config("SET", "appendfsync", "always"));
    await this.kill();
    await this.#spawn();
  }

  /** SIGSTOP: connections stay open, and nothing answers. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** A line of INFO, such as `used_memory`; undefined if there is none. */
  async info(field: string): Promise<string | undefined> {
    const text = await this.ask((client) => client.info());
    return new RegExp(`^${field}:(.*?)\\r?$`, "m").exec(text)?.[1];
  }

  /** Asks the server something, on a connection of its own. */
  async ask<T>(question: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.port, "127.0.0.1", { lazyConnect: true, retryStrategy: () => null });
    client.on("error", () => {}); // the question fails, and says so
    try {
      await client.connect();
      return await question(client);
    } finally {
      client.disconnect();
    }
  }

  async #spawn(): Promise<void> {
    const child = spawn(this.#options.program ?? "redis-server", this.#arguments(), {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // an interrupt from the keyboard is for us, who end it when nobody needs it any more
    });
    this.#child = child;
    this.#callOffWatch = endWithUs(child, this.folder);
    try {
      await saysReady(child);
      await this.ask((client) => client.ping());
    } catch (thrown) {
      await this.kill();
      throw thrown;
    }
  }

  #arguments(): readonly string[] {
    const { port, busPort } = this.#ports;
    const cluster = {
      "cluster-enabled": "yes",
      "cluster-port": `${busPort}`,
      "cluster-config-file": "nodes.conf",
      "cluster-node-timeout": "2000",
    };
    const config: Readonly<Record<string, string>> = {
      ...asRecommended,
      ...(this.#options.cluster === true ? cluster : {}),
      dir: this.folder,
      ...this.#options.config,
      port: `${port}`,
    };
    const user = this.#options.nodeUser === true ? ["--user", NODE_USER, ...rulesForTests()] : [];
    return [...Object.entries(config).flatMap(([name, value]) => [`--${name}`, value]), ...user];
  }
}

class PortTaken extends Error {}

/** The server says so itself, after it has read its files. */
async function saysReady(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = "";
  const listen = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-4_000);
    if (said.includes("Ready to accept connections")) resolve();
  };
  const failed = (why: string): void => {
    const message = `redis-server ${why}. It said:\n${said}`;
    reject(
      /Address already in use|Failed listening on port/.test(said)
        ? new PortTaken(message)
        : new Error(message),
    );
  };
  child.stdout?.on("data", listen);
  child.stderr?.on("data", listen);
  child.once("error", ({ message }) =>
    failed(`did not start (${message}): is version 7 or later on the PATH?`),
  );
  child.once("close", () => failed("ended"));
  const timer = setTimeout(() => failed(`was not ready in ${READY_MS} ms`), READY_MS);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}
