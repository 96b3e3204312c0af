// What all workers of a node share.

import type { Catalog } from "../core/catalog.ts";
import type { DecisionRules } from "../core/read-decision.ts";
import type { SignalName, SignalPayloads } from "../core/signals.ts";
import type { EntityKey } from "../ports/event-store.ts";
import type { PlannedEffect } from "./batch.ts";

export interface WorkerHost {
  readonly catalog: Catalog;
  readonly rules: DecisionRules;
  /** Milliseconds that a caller's key is remembered. */
  readonly keyTtlMs: number;
  /** Milliseconds after which no message is handled any more, however it came. */
  readonly lookbackMs: number;
  /** Messages of one entity that may wait for an answer. */
  readonly mailbox: number;
  nextCommitId(): string;
  monotonicMs(): number;
  /** Epoch ms by the store's clock. */
  now(): number;
  signal<N extends SignalName>(name: N, payload: SignalPayloads[N]): void;
  /** A commit wrote a snapshot of an entity that does not keep all its events. */
  snapshotted(key: EntityKey, version: number, keepEvents: number): void;
  dispatch(effects: readonly PlannedEffect[]): void;
  /** A commit left timers, of which the first one is due then, epoch ms. */
  scheduled(partition: number, dueAt: number): void;
}
