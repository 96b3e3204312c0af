// How long the processors are at work for each send: of what two programs take, the throughput shows only the longer half.

import { Redis } from "ioredis";
import type { Figures } from "./contest.ts";
import type { Server } from "./redis.ts";

/** Of this program, with its collector of garbage; and of Redis's main thread, its writes and syncs included. */
export class ProcessorTime {
  readonly #redis: Redis;
  #own = process.cpuUsage();
  #server = 0;

  constructor(server: Server) {
    this.#redis = new Redis(server.url);
  }

  async start(): Promise<void> {
    this.#server = await this.#serverUs();
    this.#own = process.cpuUsage();
  }

  /** Since the start. */
  async perSend(sends: number): Promise<Figures> {
    const { user, system } = process.cpuUsage(this.#own);
    const server = (await this.#serverUs()) - this.#server;
    return { "Node µs/send": (user + system) / sends, "Redis µs/send": server / sends };
  }

  close(): void {
    this.#redis.disconnect();
  }

  async #serverUs(): Promise<number> {
    const info = await this.#redis.info("cpu");
    const seconds = ["used_cpu_sys_main_thread", "used_cpu_user_main_thread"].map((name) => {
      return Number(new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1]);
    });
    return seconds.reduce((sum, each) => sum + each) * 1e6;
  }
}
