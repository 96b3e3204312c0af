// Nodes for tests of durable effects: on a private Redis, or embedded.

import { afterAll, afterEach } from "vitest";
import { Pachyderm, type StartOptions } from "../../src/index.ts";
import { RedisServer } from "./redis-server.ts";
import { until } from "./until.ts";

const BACKENDS = ["redis", "memory"] as const;
export type Backend = (typeof BACKENDS)[number];

/** For `test.each`: the tests hold on both. */
export const backends: readonly Backend[] = BACKENDS;

export class DurableNodes {
  readonly #network: string;
  readonly #started: Pachyderm[] = [];
  #server: Promise<RedisServer> | null = null;
  #tests = 0;

  /** Each test gets a network of its own; nodes are stopped after it. */
  constructor(network: string) {
    this.#network = network;
    afterEach(async () => {
      this.#tests += 1;
      await Promise.all(this.#started.splice(0).map((node) => node.stop()));
    });
    afterAll(async () => await (await this.#server)?.stop());
  }

  get network(): string {
    return `${this.#network}-${this.#tests}`;
  }

  redis(): Promise<RedisServer> {
    this.#server ??= RedisServer.start();
    return this.#server;
  }

  async start(backend: Backend, options: StartOptions): Promise<Pachyderm> {
    const where = backend === "redis" ? { redis: (await this.redis()).url } : {};
    const node = await Pachyderm.start({ network: this.network, partitions: 4, ...where, ...options });
    this.#started.push(node);
    return node;
  }
}

/** Nothing waits, runs, or has failed. */
export async function untilDone(node: Pachyderm, longestMs?: number): Promise<void> {
  await until(
    "no durable effect is left",
    async () => {
      const { waiting, running, delayed, failed } = await node.effects.counts();
      return waiting + running + delayed + failed === 0;
    },
    longestMs,
  );
}
