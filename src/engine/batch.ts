// Fifth step of a send (before: turn.ts, after: commit-lane.ts): turns on one evolving head, to be committed together.

import type { SoundEffect } from "../core/decision.ts";
import { formatReceipt, type Receipt } from "../core/receipt.ts";
import type { Reference } from "../core/reference.ts";
import { snapshotIsDue } from "../core/snapshot-policy.ts";
import type { Commit, EntityKey, NewRecord, ReceiptStep } from "../ports/event-store.ts";
import type { Envelope } from "./envelope.ts";
import type { Head } from "./head.ts";
import type { Turn } from "./turn.ts";

/** One message's turn, and where it left the entity. */
export interface Entry {
  readonly envelope: Envelope;
  readonly turn: Turn;
  /** Version and commit after this turn. */
  readonly version: number;
  readonly commitId: string;
}

/** An effect with what its dispatch must know. */
export interface PlannedEffect {
  readonly effectId: string;
  readonly effect: SoundEffect;
  readonly envelope: Envelope;
  readonly version: number;
}

interface Receipts {
  readonly steps: ReceiptStep[];
  /** Whose receipt each step looks for. */
  readonly owners: Envelope[];
  readonly keys: Set<string>;
}

const NO_RECEIPTS: readonly ReceiptStep[] = [];
const NO_EFFECTS: readonly PlannedEffect[] = [];

/** A batch is closed at so many records or characters: one script call must not hold up the others. */
const MAX_RECORDS = 512;
const MAX_CHARACTERS = 512 * 1024;

export class Batch {
  readonly base: Head;
  readonly commitId: string;
  /** In the order in which the messages were handled. */
  entries: Entry[] = [];
  #records: NewRecord[] = [];
  /** Null as long as no message has a key, which is the common case. */
  #receipts: Receipts | null = null;
  #head: Head;
  #characters = 0;
  #hasEffects = false;

  constructor(base: Head, commitId: string) {
    this.base = base;
    this.commitId = commitId;
    this.#head = base;
  }

  /** The head after the last turn: not committed yet. */
  get head(): Head {
    return this.#head;
  }

  get isFull(): boolean {
    return this.#records.length >= MAX_RECORDS || this.#characters >= MAX_CHARACTERS;
  }

  get characters(): number {
    return this.#characters;
  }

  get recordCount(): number {
    return this.#records.length;
  }

  /** Of its first message: all are of one entity. */
  get reference(): Reference {
    const [first] = this.entries;
    return first === undefined ? { type: "", id: "" } : first.envelope.order.reference;
  }

  /** Until when somebody waits for it, monotonic milliseconds. */
  get deadline(): number {
    let latest = 0;
    for (const { envelope } of this.entries) latest = Math.max(latest, envelope.deadline);
    return latest;
  }

  /** Whether a message with this key is in the batch: a second one waits until it is known what became of it. */
  hasKey(key: string): boolean {
    return this.#receipts?.keys.has(key) === true;
  }

  add(envelope: Envelope, turn: Turn, keyTtlMs: number): void {
    if (turn.kind === "handled" && turn.records.length > 0) this.#append(envelope, turn);
    const { version, commitId } = this.#head;
    this.entries = pushed(this.entries, { envelope, turn, version, commitId });
    if (envelope.order.idempotencyKey !== null && envelope.recalled === null) {
      this.#addReceipt(envelope, turn, version, keyTtlMs);
    }
  }

  /** The owner of a receipt step. */
  envelopeOfReceipt(step: number): Envelope | undefined {
    return this.#receipts?.owners[step];
  }

  /** Closes the batch; a snapshot that is due goes with its records. */
  toCommit(key: EntityKey): Commit {
    const { base, commitId } = this;
    const head = this.#head;
    const policy = head.definition?.snapshot;
    // A snapshot is known by the commit of its version's record, so it goes only with a commit that brings one.
    const brings = head.version > base.version;
    const due = policy !== undefined && brings && snapshotIsDue(policy, head.version, base.snapshotVersion);
    if (due) this.#head = { ...head, snapshotVersion: head.version };
    return {
      key,
      type: head.definition?.type ?? "",
      commitId,
      expected: base,
      records: this.#records,
      receipts: this.#receipts?.steps ?? NO_RECEIPTS,
      snapshot: due
        ? { version: head.version, schema: policy.version, state: JSON.stringify(head.state) }
        : null,
    };
  }

  /** Numbered through the commit, so that an id names one effect for ever. */
  effects(): readonly PlannedEffect[] {
    if (!this.#hasEffects) return NO_EFFECTS;
    const planned: PlannedEffect[] = [];
    for (const { envelope, turn, version } of this.entries) {
      if (turn.kind !== "handled") continue;
      for (const effect of turn.effects) {
        planned.push({ effectId: `${this.commitId}-${planned.length}`, effect, envelope, version });
      }
    }
    return planned;
  }

  #append({ order }: Envelope, turn: Extract<Turn, { kind: "handled" }>): void {
    const { messageId, definition } = order;
    if (turn.effects.length > 0) this.#hasEffects = true;
    const last = turn.records.length - 1;
    turn.records.forEach((event, i) => {
      const reply = i === last && turn.reply !== null ? JSON.stringify(turn.reply) : "";
      this.#records = pushed(this.#records, { messageId, event, reply });
      this.#characters += event.length + reply.length + 64;
    });
    const { version, snapshotVersion } = this.#head;
    const { commitId } = this;
    this.#head = {
      version: version + turn.records.length,
      commitId,
      definition,
      state: turn.state,
      snapshotVersion,
    };
  }

  #addReceipt(envelope: Envelope, turn: Turn, version: number, ttlMs: number): void {
    const { idempotencyKey, messageId, hash } = envelope.order;
    const receipt = receiptOf(turn, { messageId, hash, version });
    const write = receipt === null ? null : { value: formatReceipt(receipt), ttlMs };
    this.#characters += write?.value.length ?? 0;
    const key = idempotencyKey ?? "";
    this.#receipts ??= { steps: [], owners: [], keys: new Set() };
    this.#receipts.steps.push({ kind: "k", key, write, notAfter: null });
    this.#receipts.owners.push(envelope);
    this.#receipts.keys.add(key);
  }
}

/** Most batches hold one message of one event: a list of one is made for one, where push() would make it for 17. */
function pushed<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}

/** What is kept under the key; a failure is not: the sender may mend its cause and send again. */
function receiptOf(turn: Turn, of: Pick<Receipt, "messageId" | "hash" | "version">): Receipt | null {
  switch (turn.kind) {
    case "handled":
      return {
        ...of,
        outcome: turn.records.length > 0 ? "committed" : "empty",
        reply: turn.reply,
        rejection: null,
      };
    case "rejected":
      return { ...of, outcome: "rejected", reply: null, rejection: { code: turn.code, detail: turn.detail } };
    case "failed":
      return null;
  }
}
