// Fifth step of a send (before: turn.ts, after: commit-lane.ts): turns on one evolving head, to be committed together.

import { isBuiltIn } from "../core/built-in-effects.ts";
import type { SoundEffect } from "../core/decision.ts";
import type { AnyEntity } from "../core/entity.ts";
import type { Json } from "../core/json.ts";
import { formatReceipt, type Receipt } from "../core/receipt.ts";
import type { Reference } from "../core/reference.ts";
import { snapshotIsDue } from "../core/snapshot-policy.ts";
import type { Row } from "../core/view.ts";
import type { Commit, EntityKey, NewJob, NewRecord, ReceiptStep } from "../ports/event-store.ts";
import { rowSteps } from "./batch-rows.ts";
import { BatchTimers } from "./batch-timers.ts";
import type { Envelope, Order } from "./envelope.ts";
import type { Head } from "./head.ts";
import { jobOf } from "./job-of.ts";
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
  /** Kind and key of each that is of a key. */
  readonly keys: Set<string>;
  /** Whether a later attempt at a message is among them. */
  hasLater: boolean;
  /** Ids of the messages that the others are of; null as long as nobody has asked for one. */
  messages: Set<string> | null;
}

/** How long what a commit leaves for other attempts at its messages is good for, milliseconds; and the time. */
export interface ReceiptTimes {
  /** A caller's key is remembered for so long. */
  readonly keyTtlMs: number;
  /** No message is handled later than this after it was sent. */
  readonly lookbackMs: number;
  /** Epoch ms by the store's clock. */
  now(): number;
}

const NO_RECEIPTS: readonly ReceiptStep[] = [];
const NO_EFFECTS: readonly PlannedEffect[] = [];
const NO_ROWS: readonly Row[] = [];
const A_DAY = 86_400_000;

/** How far apart the clocks may be by which a message is sent, handled and looked for, milliseconds. */
export const MARGIN_MS = 2_000;

/** A batch is closed at so many records or characters: one script call must not hold up the others. */
const MAX_RECORDS = 512;
const MAX_CHARACTERS = 512 * 1024;
const MAX_JOBS = 32;

export class Batch {
  readonly base: Head;
  readonly commitId: string;
  /** In the order in which the messages were handled. */
  entries: Entry[] = [];
  #records: NewRecord[] = [];
  /** Null as long as no message has a key, which is the common case. */
  #receipts: Receipts | null = null;
  /** Null as long as no turn has to do with timers. */
  #timers: BatchTimers | null = null;
  #head: Head;
  #characters = 0;
  /** Null as long as nobody asks for rows to be written as they should be. */
  #repaired: readonly Row[] | null = null;
  /** At most once, after the commit. */
  #effects: PlannedEffect[] | null = null;
  /** With the commit. */
  #jobs: NewJob[] | null = null;

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
    const isLong = this.#records.length >= MAX_RECORDS || this.jobCount >= MAX_JOBS;
    return isLong || this.characters >= MAX_CHARACTERS || this.#destroys;
  }

  /** Nothing comes after the end: the next batch finds the entity destroyed. */
  get #destroys(): boolean {
    return this.#head.destroyed && !this.base.destroyed;
  }

  /** Of what is in it: at version 0 the head tells of none. */
  get #definition(): AnyEntity | null {
    return this.#head.definition ?? this.entries[0]?.envelope.order.definition ?? null;
  }

  get characters(): number {
    return this.#characters + (this.#timers?.characters ?? 0);
  }

  get recordCount(): number {
    return this.#records.length;
  }

  get jobCount(): number {
    return this.#jobs?.length ?? 0;
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
    const keys = this.#receipts?.keys;
    return keys !== undefined && keys.size > 0 && (keys.has(`k:${key}`) || keys.has(`t:${key}`));
  }

  /**
   * Whether another attempt at this message is in the batch; only of what came from another node there is one. Of two, one is a
   * later one: so of first attempts, among which there is no other, nobody looks for the id, and no list is made of them.
   */
  hasMessage({ messageId, attempt }: Pick<Order, "messageId" | "attempt">): boolean {
    const receipts = this.#receipts;
    if (receipts === null || (attempt === 1 && !receipts.hasLater)) return false;
    receipts.messages ??= new Set(receipts.steps.filter(({ kind }) => kind === "m").map(({ key }) => key));
    return receipts.messages.has(messageId);
  }

  add(envelope: Envelope, turn: Turn, times: ReceiptTimes): void {
    if (turn.kind === "handled" && turn.records.length > 0) this.#append(envelope, turn);
    const { version, commitId } = this.#head;
    this.entries = pushed(this.entries, { envelope, turn, version, commitId });
    if (envelope.order.repairs && turn.kind === "handled") this.#repaired = turn.rows;
    if (envelope.recalled !== null) return;
    if (turn.kind === "handled" && turn.effects.length > 0) this.#plan(envelope, turn, times.now());
    if (envelope.order.firing !== null || (turn.kind === "handled" && turn.timers.length > 0))
      this.#addTimers(envelope, turn);
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

  /** Whether a firing of this timer must wait until it is known what becomes of this batch. */
  touchesTimer(name: string): boolean {
    return this.#timers?.touches(name) === true;
  }

  ownerOfFiring(step: number): Envelope | undefined {
    return this.#timers?.ownerOf(step);
  }

  /** When the first of the timers that it leaves is due, epoch ms; Infinity: it leaves none. */
  get firstDue(): number {
    return this.#timers?.firstDue ?? Number.POSITIVE_INFINITY;
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
    const commit: { -readonly [Part in keyof Commit]: Commit[Part] } = {
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
    const rows = rowSteps(this.#definition, base, head, this.#repaired);
    if (rows !== null) commit.rows = rows;
    if (this.#timers !== null) {
      commit.firings = this.#timers.firings;
      commit.timers = this.#timers.steps;
    }
    if (this.#jobs !== null) commit.jobs = this.#jobs;
    if (destroy) commit.destroy = true;
    return commit;
  }

  /** What is to be dispatched when it is committed. */
  effects(): readonly PlannedEffect[] {
    return this.#effects ?? NO_EFFECTS;
  }

  /** Numbered through the commit, so that an id names one effect for ever. */
  #plan(envelope: Envelope, { effects }: Extract<Turn, { kind: "handled" }>, at: number): void {
    const { version, commitId } = this.#head;
    for (const effect of effects) {
      const effectId = `${commitId}-${(this.#effects?.length ?? 0) + (this.#jobs?.length ?? 0)}`;
      if (effect.durable !== undefined) {
        const { reference, config } = envelope.order;
        const job = jobOf(effectId, effect, effect.durable, { reference, version, commitId, at, config });
        this.#jobs ??= [];
        this.#jobs.push(job);
        this.#characters += job.data.length + 512;
      } else if (!isBuiltIn(effect.effect)) {
        this.#effects ??= [];
        this.#effects.push({ effectId, effect, envelope, version });
      }
    }
  }

  #append({ order }: Envelope, turn: Extract<Turn, { kind: "handled" }>): void {
    const { messageId, definition, destroys } = order;
    const last = turn.records.length - 1;
    let i = 0;
    for (const event of turn.records) {
      const reply = i === last && turn.reply !== null ? JSON.stringify(turn.reply) : "";
      this.#records = pushed(this.#records, { messageId, event, reply });
      this.#characters += event.length + reply.length + 64;
      i += 1;
    }
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
      rows: turn.rows,
    };
    for (const { text } of turn.rows ?? NO_ROWS) this.#characters += 2 * (text?.length ?? 0);
  }

  /** A handler that failed has not handled its timer's firing: the timer stands, and the one who fires it decides. */
  #addTimers(envelope: Envelope, turn: Turn): void {
    if (turn.kind === "failed") return;
    this.#timers ??= new BatchTimers(this.commitId);
    this.#timers.handle(envelope);
    if (turn.kind === "handled") this.#timers.plan(turn.timers);
  }

  /** A failure is not kept under a caller's key: the sender may mend its cause and send again. */
  #addKeyReceipt(envelope: Envelope, turn: Turn, version: number, times: ReceiptTimes): void {
    const { idempotencyKey, tellUntil: notAfter, messageId, hash } = envelope.order;
    const receipt = turn.kind === "failed" ? null : receiptOf(turn, { messageId, hash, version });
    // Of a tell: for as long as its job may be sent, and a day more.
    const ttlMs = notAfter === null ? times.keyTtlMs : Math.max(0, notAfter - times.now()) + A_DAY;
    const write = receipt === null ? null : { value: formatReceipt(receipt), ttlMs };
    const kind = notAfter === null ? "k" : "t";
    this.#addStep(envelope, { kind, key: idempotencyKey ?? "", write, notAfter });
  }

  /**
   * What came from another node may have been handled by a second attempt: its receipt is looked for. A second attempt
   * leaves one, whatever its end, failures too: a first attempt that was only frozen finds it when it thaws.
   */
  #addMessageReceipt(envelope: Envelope, turn: Turn, version: number, { lookbackMs }: ReceiptTimes): void {
    const { attempt, messageId, hash, sentAt } = envelope.order;
    const leave = (): ReceiptStep["write"] => ({
      value: formatReceipt(receiptOf(turn, { messageId, hash, version })),
      ttlMs: lookbackMs + 2 * MARGIN_MS,
    });
    const write = attempt > 1 ? leave() : null;
    const notBefore = sentAt - MARGIN_MS;
    this.#addStep(envelope, { kind: "m", key: messageId, write, notAfter: sentAt + lookbackMs, notBefore });
  }

  #addStep(envelope: Envelope, step: ReceiptStep): void {
    this.#characters += step.write?.value.length ?? 0;
    this.#receipts ??= { steps: [], owners: [], keys: new Set(), hasLater: false, messages: null };
    this.#receipts.steps.push(step);
    this.#receipts.owners.push(envelope);
    if (step.kind === "m") {
      if (envelope.order.attempt > 1) this.#receipts.hasLater = true;
      this.#receipts.messages?.add(step.key);
    } else this.#receipts.keys.add(`${step.kind}:${step.key}`);
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
