// What a backend brings to be held to the laws, and what a law is. Laws are data: any runner can run them, on any
// backend, in a test or against a live server.

import type { Clock } from "../ports/clock.ts";
import type { Commit, EntityKey, EventStore } from "../ports/event-store.ts";

/** What a run tells of any backend, whatever port it is behind. */
export interface Judged {
  /** For the reader of a run. */
  readonly name: string;
  /** Laws that this backend cannot keep, by name, and why. */
  readonly cannot: Readonly<Record<string, string>>;
}

/** Behind ports/event-store.ts. */
export interface Backend extends Judged {
  /** The clock that the stores were given: deadlines are by it. */
  readonly clock: Clock;
  /** Partitions are 0 to this, exclusive. */
  readonly partitions: number;
  /** Another client on the same data. Laws close what they open. */
  open(): Promise<EventStore>;
  /** Retention: takes away the records before `keepFrom`, which is at most the last version. */
  trim(key: EntityKey, keepFrom: number): Promise<void>;
  /** A server that lost its last writes: takes away the records after `version`, and nothing else. */
  rollBack(key: EntityKey, version: number): Promise<void>;
  /** Everything that a commit may read or write, by the names that decide which server of a cluster has it. */
  keysOf?(commit: Commit): readonly string[];
  /** Puts something that is not Pachyderm's in place of the entity's records, its snapshot or its timers. */
  spoil?(key: EntityKey, part: "records" | "snapshot" | "timers"): Promise<void>;
}

/** @typeParam B what a backend brings that is held to it */
export interface Law<B extends Judged = Backend> {
  /** The sentence that is checked. */
  readonly name: string;
  /** Settles if the law is kept. @throws AssertionError */
  check(context: { readonly backend: B }): Promise<void>;
}

export type Verdict =
  | { readonly kind: "kept" }
  | { readonly kind: "cannot"; readonly reason: string }
  | { readonly kind: "broken"; readonly error: unknown };

/** What a runner prints for a law. */
export async function judge<B extends Judged>(law: Law<B>, backend: B): Promise<Verdict> {
  const reason = Object.hasOwn(backend.cannot, law.name) ? backend.cannot[law.name] : undefined;
  if (reason !== undefined) return { kind: "cannot", reason };
  try {
    await law.check({ backend });
    return { kind: "kept" };
  } catch (error) {
    return { kind: "broken", error };
  }
}

/** Exceptions that name no law: a law that was renamed would otherwise go unchecked for ever. */
export function strayExceptions<B extends Judged>(
  laws: readonly Law<B>[],
  { cannot }: Judged,
): readonly string[] {
  const names = new Set(laws.map(({ name }) => name));
  return Object.keys(cannot).filter((name) => !names.has(name));
}
