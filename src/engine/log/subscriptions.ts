// The subscriptions of this node: which ones it runs, each in the partitions that are its own.

import { PachydermError } from "../../core/errors.ts";
import type { Duty } from "../duties.ts";
import type { Subscribed } from "./subscribed.ts";
import type { SubscriptionDesk } from "./subscription-desk.ts";
import { type RunnerParts, SubscriptionRunner } from "./subscription-runner.ts";

/** How often runners that wait look whether they were paused, rewound or removed by another node, milliseconds. */
const LOOK_MS = 500;

export class Subscriptions implements Duty {
  readonly #parts: RunnerParts;
  readonly #desk: SubscriptionDesk;
  readonly #subscribed = new Map<string, Subscribed>();
  /** Runners by partition, then by name. */
  readonly #runners = new Map<number, Map<string, SubscriptionRunner>>();
  readonly #looking: NodeJS.Timeout;

  constructor(parts: RunnerParts, desk: SubscriptionDesk) {
    this.#parts = parts;
    this.#desk = desk;
    this.#looking = setInterval(() => this.#pokeAll(), LOOK_MS);
    this.#looking.unref();
  }

  /**
   * From now on this node does its share of the work. Resolves when the subscription stands in every partition.
   * @throws PachydermError INVALID_OPTIONS (it runs here already), STORE_UNAVAILABLE, UNREADABLE_EVENT
   */
  async add(subscribed: Subscribed, deadline: number): Promise<void> {
    const { name } = subscribed;
    if (this.#subscribed.has(name))
      throw new PachydermError("INVALID_OPTIONS", `this node has subscribed as ${name} already`);
    this.#subscribed.set(name, subscribed);
    try {
      await this.#desk.begin(name, subscribed.from, deadline);
    } catch (thrown) {
      this.#subscribed.delete(name);
      throw thrown;
    }
    for (const [partition, runners] of this.#runners) this.#start(subscribed, partition, runners);
  }

  /** This node does no more of it; where it stands is kept. */
  async drop(name: string, deadline: number): Promise<void> {
    this.#subscribed.delete(name);
    await Promise.all(
      [...this.#runners.values()].map(async (runners) => {
        const runner = runners.get(name);
        runners.delete(name);
        await runner?.stop(deadline);
      }),
    );
  }

  /** Something was changed by this node: its own runners need not find out. */
  poke(name: string): void {
    for (const runners of this.#runners.values()) runners.get(name)?.poke();
  }

  begin(partition: number): void {
    const runners = new Map<string, SubscriptionRunner>();
    this.#runners.set(partition, runners);
    for (const subscribed of this.#subscribed.values()) this.#start(subscribed, partition, runners);
  }

  async end(partition: number, deadline: number): Promise<void> {
    const runners = this.#runners.get(partition);
    this.#runners.delete(partition);
    await Promise.all([...(runners?.values() ?? [])].map((runner) => runner.stop(deadline)));
  }

  close(): void {
    clearInterval(this.#looking);
  }

  #start(subscribed: Subscribed, partition: number, runners: Map<string, SubscriptionRunner>): void {
    if (runners.has(subscribed.name)) return;
    const runner = new SubscriptionRunner(this.#parts, subscribed, partition);
    runners.set(subscribed.name, runner);
    runner.start();
  }

  #pokeAll(): void {
    for (const runners of this.#runners.values()) for (const runner of runners.values()) runner.poke();
  }
}
