// There is no disk and there are no replicas: an embedded log can be asked for neither. Twin of redis/durability.ts.

import type { Confirmed, Durability } from "../ports/durability.ts";
import { later } from "./later.ts";

export class MemoryDurability implements Durability {
  refusal(): string {
    return "the embedded log is in this process's memory: give `redis`, or leave `durability` out";
  }

  async confirm(): Promise<Confirmed> {
    return await later({ kind: "confirmed", local: 0, replicas: 0, reached: false } as const);
  }

  async close(): Promise<void> {}
}
