// Whether what was committed is on disk, or on replicas. Twin of memory/durability.ts.

import type { Clock } from "../ports/clock.ts";
import type { Confirmed, Durability, Wanted } from "../ports/durability.ts";
import type { Master } from "./connection.ts";
import type { KeySpace } from "./keys.ts";
import { WaitLines } from "./wait-line.ts";

export interface RedisDurabilityParts {
  readonly space: KeySpace;
  readonly clock: Clock;
  /** All masters that are known now; one, where there is no cluster. */
  readonly masters: () => readonly Master[];
  /** Null: its disk can be asked for. */
  readonly fsyncRefusal: string | null;
}

export class RedisDurability implements Durability {
  readonly #parts: RedisDurabilityParts;
  readonly #lines = new Map<string, WaitLines>();
  /** The name of the master that had a partition when it was last asked. */
  readonly #homes = new Map<number, string>();
  #closed = false;

  constructor(parts: RedisDurabilityParts) {
    this.#parts = parts;
  }

  refusal({ kind }: Wanted): string | null {
    return kind === "fsync" ? this.#parts.fsyncRefusal : null;
  }

  /** On a cluster the master of a partition is found by asking: all others say that it is elsewhere. */
  async confirm(partition: number, wanted: Wanted, deadline: number): Promise<Confirmed> {
    if (this.#closed) return { kind: "unavailable", reason: "this node has closed its connections" };
    const home = this.#homes.get(partition);
    const masters = [...this.#parts.masters()].sort(
      (a, b) => Number(b.name === home) - Number(a.name === home),
    );
    for (const master of masters) {
      const waited = await this.#linesOf(master).ask(this.#parts.space.fence(partition), wanted, deadline);
      if (waited.kind === "moved") continue;
      if (waited.kind === "confirmed") this.#homes.set(partition, master.name);
      return waited;
    }
    return { kind: "unavailable", reason: "no master that is known has the partition now" };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const lines of this.#lines.values()) lines.close();
  }

  #linesOf({ name, open }: Master): WaitLines {
    const found = this.#lines.get(name);
    if (found !== undefined) return found;
    const lines = new WaitLines(open, this.#parts.clock);
    this.#lines.set(name, lines);
    return lines;
  }
}
