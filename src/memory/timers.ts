// Timers in this process's memory. Twin of redis/timers.ts.

import type { Clock } from "../ports/clock.ts";
import type { EntityKey, FiringStep } from "../ports/event-store.ts";
import type { Due, DueRequest, Fate, Listed, SetAside, Timers } from "../ports/timers.ts";
import { later } from "./later.ts";
import type { MemoryLog } from "./memory-log.ts";

export class MemoryTimers implements Timers {
  readonly #clock: Clock;
  readonly #log: MemoryLog;
  #closed = false;

  /** @param log that of the event stores whose commits set the timers */
  constructor(clock: Clock, log: MemoryLog) {
    this.#clock = clock;
    this.#log = log;
  }

  async due(requests: readonly DueRequest[], deadline: number): Promise<readonly Due[]> {
    const unavailable = this.#unavailable(deadline);
    const now = this.#log.now();
    return await later(
      requests.map(({ partition, limit }) => {
        return unavailable ?? { kind: "due", now, ...this.#log.timers.due(partition, now, limit) };
      }),
    );
  }

  async list(key: EntityKey, deadline: number): Promise<Listed> {
    const timers = [...this.#log.timers.of(key).values()].toSorted((a, b) => a.dueAt - b.dueAt);
    return await later(this.#unavailable(deadline) ?? { kind: "listed", timers });
  }

  async setAside(
    key: EntityKey,
    firing: Omit<FiringStep, "missed">,
    fate: Fate,
    deadline: number,
  ): Promise<SetAside> {
    const { timers } = this.#log;
    const unavailable = this.#unavailable(deadline);
    if (unavailable !== null) return await later(unavailable);
    const timer = timers.of(key).get(firing.name);
    if (timer === undefined || !timers.stands(key, firing)) return await later({ kind: "gone" });
    const { tries } = fate;
    if (fate.kind === "parked") timers.put(key, { ...timer, tries, parked: fate.reason }, null);
    else timers.put(key, { ...timer, tries, parked: null }, this.#log.now() + fate.ms);
    return await later({ kind: "done" });
  }

  /** Nothing foreign can be put among typed objects. */
  async ignore(_key: EntityKey, _name: string, deadline: number): Promise<SetAside> {
    return await later(this.#unavailable(deadline) ?? { kind: "gone" });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #unavailable(deadline: number): { readonly kind: "unavailable"; readonly reason: string } | null {
    if (this.#closed) return { kind: "unavailable", reason: "this node has closed its timers" };
    if (this.#clock.monotonicMs() < deadline) return null;
    return { kind: "unavailable", reason: "there was no time left" };
  }
}
