// Fifth step of a send (before: turn.ts, after: commit-lane.ts): turns on one evolving head, to be committed together.

import type { SoundEffect } from "../core/decision.ts";
import type { Json } from "../core/json.ts";
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
  /** Kind and key of each. */
  readonly names: Set<string>;
}

/** How long what a commit leaves for other attempts at its messages is good for, milliseconds. */
export interface ReceiptTimes {
  /** A caller's key is remembered for so long. */
  readonly keyTtlMs: number;
  /** No message is handled later than this after it was sent. */
  readonly lookbackMs: number;
}

const NO_RECEIPTS: readonly ReceiptStep[] = [];
const NO_EFFECTS: readonly PlannedEffect[] = [];

/** How far apart the clocks may be by which a message is sent, handled and looked for, milliseconds. */
export const MARGIN_MS = 2_000;

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
    return this.#records.length >= MAX_RECORDS || this.#characters >= MAX_CHARACTERS || this.#destroys;
  }

  /** Nothing comes after the end: the next batch finds the entity destroyed. */
  get #destroys(): boolean {
    return this.#head.destroyed && !this.base.destroyed;
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
    return this.#receipts?.names.has(`k:${key}`) === true;
  }

  /** Whether another attempt at this message is in the batch; only of what came from another node there is one. */
  hasMessage(messageId: string): boolean {
    return this.#receipts?.names.has(`m:${messageId}`) === true;
  }

  add(envelope: Envelope, turn: Turn, times: ReceiptTimes): void {
    if (turn.kind === "handled" && turn.records.length > 0) this.#append(envelope, turn);
    const { version, commitId } = this.#head;
    this.entries = pushed(this.entries, { envelope, turn, version, commitId });
    if (envelope.recalled !== null) return;
    if (envelope.order.idempotencyKey !== null) this.#addKeyReceipt(envelope, turn, version, times);
    if (envelope.order.crossed && envelope.order.message !== undefined) {
      this.#addMessageReceipt(envelope, turn, version, times);
    }
  }

  /** The owner of a receipt step, and what it is a receipt of. */
  ownerOfReceipt(
    step: number,
  ): { readonly envelope: Envelope; readonly kind: ReceiptStep["kind"] } | undefined {
    const envelope = this.#receipts?.owners[step];
    const kind = this.#receipts?.steps[step]?.kind;
    return envelope === undefined || kind === undefined ? undefined : { envelope, kind };
  }

  /** Closes the batch; a snapshot that is due goes with its records. */
  toCommit(key: EntityKey): Commit {
    const { base, commitId } = this;
    const head = this.#head;
    const policy = head.definition?.snapshot;
    // A snapshot is known by the commit of its version's record, so it goes only with a commit that brings one.
    const brings = head.version > base.version;
    const destroy = this.#destroys;
    const due =
      !destroy && policy !== undefined && brings && snapshotIsDue(policy, head.version, base.snapshotVersion);
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
      ...(destroy ? { destroy } : {}),
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
    const { messageId, definition, destroys } = order;
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
      proof: 0,
      destroyed: destroys,
    };
  }

  /** A failure is not kept under a caller's key: the sender may mend its cause and send again. */
  #addKeyReceipt(envelope: Envelope, turn: Turn, version: number, { keyTtlMs }: ReceiptTimes): void {
    const { idempotencyKey, messageId, hash } = envelope.order;
    const receipt = turn.kind === "failed" ? null : receiptOf(turn, { messageId, hash, version });
    const write = receipt === null ? null : { value: formatReceipt(receipt), ttlMs: keyTtlMs };
    this.#addStep(envelope, { kind: "k", key: idempotencyKey ?? "", write, notAfter: null });
  }

  /**
   * What came from another node may have been handled by a second attempt: its receipt is looked for. A second attempt
   * leaves one, whatever its end, failures too: a first attempt that was only frozen finds it when it thaws.
   */
  #addMessageReceipt(envelope: Envelope, turn: Turn, version: number, { lookbackMs }: ReceiptTimes): void {
    const { attempt, messageId, hash, sentAt } = envelope.order;
    const leave = (): ReceiptStep["write"] => ({
      value: formatReceipt(receiptOf(turn, { messageId, hash, version })),
      ttlMs: lookbackMs + MARGIN_MS,
    });
    const write = attempt > 1 ? leave() : null;
    this.#addStep(envelope, { kind: "m", key: messageId, write, notAfter: sentAt + lookbackMs });
  }

  #addStep(envelope: Envelope, step: ReceiptStep): void {
    this.#characters += step.write?.value.length ?? 0;
    this.#receipts ??= { steps: [], owners: [], names: new Set() };
    this.#receipts.steps.push(step);
    this.#receipts.owners.push(envelope);
    this.#receipts.names.add(`${step.kind}:${step.key}`);
  }
}

/** Most batches hold one message of one event: a list of one is made for one, where push() would make it for 17. */
function pushed<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}

/** What other attempts at the message, or the next message with its key, will find. */
function receiptOf(turn: Turn, of: Pick<Receipt, "messageId" | "hash" | "version">): Receipt {
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
    case "failed": {
      const { code, message, detail = null } = turn.error;
      const rejection = { code, detail: { message, detail: detail as Json } };
      return { ...of, outcome: "failed", reply: null, rejection };
    }
  }
}
