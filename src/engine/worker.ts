// The live copy of an entity: mailbox, memory, and the commit under way. A state machine without I/O or timers: the
// pulse asks it for work and brings the answers back. Two workers for one entity are normal and harmless.
//
// One commit at a time is `flying`. Messages that come meanwhile are handled on the head that it will leave, and
// wait in `next`. If it is lost, both are handled again on what the log holds; nobody was answered, nothing left.

import type { Catalog } from "../core/catalog.ts";
import type { AnyEntity } from "../core/entity.ts";
import { PachydermError } from "../core/errors.ts";
import type { DecisionRules } from "../core/read-decision.ts";
import { parseReceipt, type Receipt } from "../core/receipt.ts";
import type { StoredRecord } from "../core/record.ts";
import type { Reference } from "../core/reference.ts";
import type { SignalName, SignalPayloads } from "../core/signals.ts";
import type { CommitResult, EntityKey, LoadedSnapshot } from "../ports/event-store.ts";
import { Batch, type PlannedEffect } from "./batch.ts";
import type { Link } from "./chain.ts";
import type { Envelope, Order } from "./envelope.ts";
import { emptyHead, type Head } from "./head.ts";
import { Replay } from "./replay.ts";
import { settle } from "./settle.ts";
import { look, takeTurn } from "./turn.ts";

/** What all workers of a node share. */
export interface WorkerHost {
  readonly catalog: Catalog;
  readonly rules: DecisionRules;
  /** Milliseconds that a caller's key is remembered. */
  readonly keyTtlMs: number;
  /** Messages of one entity that may wait for an answer. */
  readonly mailbox: number;
  nextCommitId(): string;
  /** Epoch ms by the store's clock. */
  now(): number;
  signal<N extends SignalName>(name: N, payload: SignalPayloads[N]): void;
  dispatch(effects: readonly PlannedEffect[]): void;
}

/** What a worker needs next. */
export type Need = "nothing" | "load" | "commit";

/** What is to be loaded for it. */
export interface LoadNeed {
  readonly schema: number | null;
  /** Monotonic ms until which somebody waits. */
  readonly deadline: number;
}

/** Shared by all that have none, and never changed. */
const EMPTY: Envelope[] = [];
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

export class Worker implements Link<Worker> {
  readonly key: EntityKey;
  /** Chain of the residents, least recently used first. */
  previous: Worker | null = null;
  next: Worker | null = null;
  /** Monotonic ms of the last message. */
  usedAt = 0;
  /** Whether the pulse has it on its list. */
  queued = false;
  readonly #host: WorkerHost;
  #mailbox: Envelope[] = EMPTY;
  /** Messages whose idempotency key is in a batch already. */
  #parked: Envelope[] = EMPTY;
  /** Null: cold. */
  #head: Head | null = null;
  #flying: Batch | null = null;
  #next: Batch | null = null;
  /** A load or a pause is under way. */
  #busy = false;
  #lostInARow = 0;
  /** After a refusal, so many messages go one by one, for one of them may sink the others. */
  #alone = 0;
  #useSnapshot = true;
  /** The form of snapshots that the load under way asked for. */
  #schema: number | null = null;
  /** Messages that waited when the load under way was asked for: its deadline is theirs. */
  #loadingFor = 0;

  constructor(key: EntityKey, host: WorkerHost) {
    this.key = key;
    this.#host = host;
  }

  /** Nothing waits: its memory may be let go. */
  get isIdle(): boolean {
    return !this.#busy && this.waiting === 0;
  }

  /** Whose entity it is, where that is known. */
  get definition(): AnyEntity | null {
    return this.#head?.definition ?? null;
  }

  get waiting(): number {
    const batched = (this.#flying?.entries.length ?? 0) + (this.#next?.entries.length ?? 0);
    return this.#mailbox.length + this.#parked.length + batched;
  }

  /** Third step of a send (before: seal.ts, after: turn.ts): into the mailbox. @throws PachydermError MAILBOX_FULL */
  take(envelope: Envelope): void {
    if (this.waiting >= this.#host.mailbox) {
      throw new PachydermError(
        "MAILBOX_FULL",
        `${this.#host.mailbox} messages wait for the entity ${this.key.id}`,
      );
    }
    if (this.#mailbox.length === 0) this.#mailbox = [envelope];
    else this.#mailbox.push(envelope);
  }

  /** One beat: handles what came, and says what is needed for it. */
  beat(): Need {
    if (this.#busy) return "nothing";
    if (this.#head === null) return this.#mailbox.length > 0 ? "load" : "nothing";
    this.#handle((this.#next ?? this.#flying)?.head ?? this.#head);
    return this.#flying === null && this.#next !== null ? "commit" : "nothing";
  }

  /** Undefined where nobody waits any more. From here on the worker waits for `loaded`. */
  startLoad(): LoadNeed | undefined {
    this.#mailbox = this.#mailbox.filter(({ settled }) => !settled);
    const [first] = this.#mailbox;
    if (first === undefined) return undefined;
    this.#busy = true;
    this.#loadingFor = this.#mailbox.length;
    const deadline = this.#mailbox.reduce((latest, envelope) => Math.max(latest, envelope.deadline), 0);
    this.#schema = this.#useSnapshot ? first.order.definition.snapshot.version : null;
    return { schema: this.#schema, deadline };
  }

  /** The batch that is to be committed now; from here on the worker waits for `landed`. */
  takeOff(): Batch | undefined {
    // A sender that was told "not committed" (its deadline passed while it waited here) must be right.
    if (this.#next?.entries.some(({ envelope }) => envelope.settled) === true) {
      this.#again(this.#next);
      this.#handle(this.#head ?? emptyHead);
    }
    const batch = this.#next;
    if (batch === null) return undefined;
    this.#next = null;
    this.#flying = batch;
    for (const { envelope } of batch.entries) envelope.sent = true;
    return batch;
  }

  /** The first page of a load. Returns the version to read on from, or undefined where that was all. */
  loaded(
    snapshot: LoadedSnapshot | null,
    records: readonly StoredRecord[],
    more: boolean,
  ): Replay | undefined {
    const replay = new Replay(this.#host.catalog);
    try {
      const [first] = records;
      if (snapshot !== null && first !== undefined && !replay.startFrom(snapshot, first, this.#schema))
        return this.#loadWithout();
      if (!replay.fold(records)) return this.#loadWithout();
      if (more) return replay;
      this.#ready(replay);
    } catch (thrown) {
      this.loadFailed(thrown);
    }
    return undefined;
  }

  /** A further page of a load. Returns whether there is one more to read. */
  tail(replay: Replay, records: readonly StoredRecord[], more: boolean): boolean {
    try {
      if (!replay.fold(records)) {
        this.#busy = false; // the log was rolled back between two pages: from the beginning
        return false;
      }
    } catch (thrown) {
      this.loadFailed(thrown);
      return false;
    }
    if (!more) this.#ready(replay);
    return more;
  }

  /** The whole log is folded. */
  #ready(replay: Replay): void {
    try {
      this.#head = replay.finish();
    } catch (thrown) {
      this.loadFailed(thrown);
      return;
    }
    this.#busy = false;
    this.#useSnapshot = true;
  }

  /**
   * Everybody whom the load was for gets the reason; nothing of them was committed. Where the store did not answer in
   * their time, whoever came since may have more of it: for them it is tried again.
   */
  loadFailed(thrown: unknown): void {
    this.#busy = false;
    this.#useSnapshot = true;
    const error =
      thrown instanceof PachydermError ? thrown : new PachydermError("STORE_UNAVAILABLE", String(thrown));
    const waiting = this.#mailbox;
    const count = error.code === "STORE_UNAVAILABLE" ? this.#loadingFor : waiting.length;
    this.#mailbox = count < waiting.length ? waiting.slice(count) : EMPTY;
    for (const envelope of waiting.slice(0, count)) envelope.fail(error);
  }

  resume(): void {
    this.#busy = false;
  }

  /** Sixth step of a send (before: gather.ts, after: settle.ts): what became of the commit. */
  landed(result: CommitResult): void {
    const flying = this.#flying;
    if (flying === null) return;
    this.#flying = null;
    switch (result.kind) {
      case "committed":
        this.#head = flying.head;
        this.#lostInARow = 0;
        this.#alone = Math.max(0, this.#alone - 1);
        settle(flying);
        this.#host.dispatch(flying.effects());
        this.#unpark();
        return;
      case "duplicate":
        this.#recall(flying, result.found);
        return;
      case "conflict":
        this.#lost(flying, result.missed);
        return;
      case "diverged":
        this.#host.signal("log-diverged", { reference: referenceOf(flying), version: flying.base.version });
        this.#forget(flying);
        return;
      case "reload":
        this.#forget(flying);
        return;
      case "refused":
        this.#refused(flying, result.reason);
        return;
      case "unavailable":
        failAll(flying, new PachydermError("STORE_UNAVAILABLE", result.reason));
        this.#again(this.#next);
        return;
      case "unknown":
        // It may land later still: the memory is not to be trusted, and whoever was in it must hear the truth.
        failUnknown(flying, result.reason);
        this.#head = null;
        this.#again(this.#next);
        return;
    }
  }

  /** A snapshot that cannot be read is no loss: all it says, the records say. */
  #loadWithout(): undefined {
    this.#useSnapshot = false;
    this.#busy = false;
    return undefined;
  }

  #handle(base: Head): void {
    if (this.#mailbox.length === 0) return;
    let taken = 0;
    const { now, rules, keyTtlMs } = {
      now: this.#host.now(),
      rules: this.#host.rules,
      keyTtlMs: this.#host.keyTtlMs,
    };
    for (const envelope of this.#mailbox) {
      if (this.#isFull()) break;
      taken++;
      if (envelope.settled) continue;
      const { order, recalled } = envelope;
      if (order.stale && this.#answerStale(envelope)) continue;
      if (order.idempotencyKey !== null && recalled === null && this.#hasKey(order.idempotencyKey)) {
        this.#parked = [...this.#parked, envelope];
        continue;
      }
      this.#next ??= new Batch(base, this.#host.nextCommitId());
      const { head } = this.#next;
      const looks = order.message === undefined || recalled !== null;
      const turn = looks ? look(order, head, recalled?.reply ?? null) : takeTurn(order, head, now, rules);
      this.#next.add(envelope, turn, keyTtlMs);
    }
    if (taken === this.#mailbox.length) this.#mailbox = EMPTY;
    else this.#mailbox.splice(0, taken);
  }

  #isFull(): boolean {
    if (this.#next === null) return false;
    return this.#next.isFull || (this.#alone > 0 && this.#next.entries.length > 0);
  }

  #hasKey(key: string): boolean {
    return this.#flying?.hasKey(key) === true || this.#next?.hasKey(key) === true;
  }

  /** From committed memory, whatever is under way; false where that does not hold the place that was asked for. */
  #answerStale(envelope: Envelope): boolean {
    const head = this.#head;
    if (head === null || !holds(head, envelope.order.expected)) return false;
    const turn = look(envelope.order, head, null);
    settle({ entries: [{ envelope, turn, version: head.version, commitId: head.commitId }] });
    return true;
  }

  /** Puts the messages of lost batches, in their order, before all others; what they yielded never happened. */
  #again(...batches: readonly (Batch | null)[]): void {
    const envelopes = batches.flatMap((batch) => batch?.entries.map(({ envelope }) => envelope) ?? []);
    this.#next = null;
    this.#mailbox = [...envelopes, ...this.#parked, ...this.#mailbox];
    this.#parked = EMPTY;
    for (const envelope of envelopes) envelope.sent = false;
  }

  #unpark(): void {
    if (this.#parked.length === 0) return;
    this.#mailbox = [...this.#parked, ...this.#mailbox];
    this.#parked = EMPTY;
  }

  #forget(flying: Batch): void {
    this.#head = null;
    this.#again(flying, this.#next);
  }

  #recall(flying: Batch, found: readonly { readonly step: number; readonly value: string }[]): void {
    for (const { step, value } of found) {
      const envelope = flying.envelopeOfReceipt(step);
      if (envelope !== undefined) recall(envelope, parseReceipt(value));
    }
    this.#again(flying, this.#next);
  }

  /** Another worker was first: catch up on what was missed, and handle again. */
  #lost(flying: Batch, missed: readonly StoredRecord[]): void {
    this.#lostInARow += 1;
    const reference = referenceOf(flying);
    this.#host.signal("conflict", { reference, version: flying.base.version });
    for (const { envelope } of flying.entries) {
      envelope.sent = false;
      recallFrom(missed, envelope);
      if (!envelope.order.retry && envelope.recalled === null)
        envelope.fail(new PachydermError("CONFLICT", "another commit came first"));
    }
    this.#again(flying, this.#next);
    this.#head = this.#catchUp(missed);
  }

  /** Null where the log must be loaded afresh: too much was missed, or it cannot be folded. */
  #catchUp(missed: readonly StoredRecord[]): Head | null {
    if (this.#head === null || missed.length === 0) return null;
    const replay = new Replay(this.#host.catalog, this.#head);
    try {
      if (!replay.fold(missed)) return null;
      return missed.length < MISSED_PAGE ? replay.finish() : null;
    } catch {
      return null; // the load that follows finds the same, and tells those who wait
    }
  }

  /** A pause before the third try and later ones: two workers in lock-step would otherwise take turns in losing. */
  get pause(): number {
    if (this.#lostInARow < 2) return 0;
    return Math.random() * Math.min(FIRST_PAUSE_MS * 2 ** (this.#lostInARow - 2), LONGEST_PAUSE_MS);
  }

  startPause(): void {
    this.#busy = true;
  }

  #refused(flying: Batch, reason: string): void {
    if (flying.entries.length === 1) {
      failAll(flying, new PachydermError("UNREADABLE_EVENT", `what is stored refuses the commit: ${reason}`));
      this.#alone = Math.max(0, this.#alone - 1);
      this.#head = null;
      this.#again(this.#next);
      return;
    }
    this.#alone = flying.entries.length;
    this.#again(flying, this.#next);
  }
}

/** As many as a conflict brings along; with so many there may be more. */
const MISSED_PAGE = 128;

/** Of a place before the head, the engine has asked the log. */
function holds({ version, commitId }: Head, expected: Order["expected"]): boolean {
  if (expected === null || typeof expected === "number" || expected.version < version) return true;
  return expected.version === version && expected.commitId === commitId;
}

function recall(envelope: Envelope, receipt: Receipt | undefined): void {
  const { idempotencyKey, hash } = envelope.order;
  if (receipt === undefined) {
    envelope.fail(
      new PachydermError("UNREADABLE_EVENT", `the receipt of the key ${idempotencyKey} cannot be read`),
    );
  } else if (receipt.hash !== hash) {
    envelope.fail(
      new PachydermError("KEY_REUSED", `the key ${idempotencyKey} was used with another message`),
    );
  } else if (receipt.rejection !== null) {
    const { code, detail } = receipt.rejection;
    envelope.fail(new PachydermError("REJECTED", `rejected before: ${code}`, { detail: { code, detail } }));
  } else {
    envelope.recalled = receipt;
  }
}

/** The message's own records among those that were missed: it has been handled, by another worker. */
function recallFrom(missed: readonly StoredRecord[], envelope: Envelope): void {
  const { messageId, hash } = envelope.order;
  const own = missed.filter((record) => record.messageId === messageId).at(-1);
  if (own === undefined) return;
  const reply = own.reply === "" ? null : JSON.parse(own.reply);
  envelope.recalled = { outcome: "committed", messageId, version: own.version, reply, hash, rejection: null };
}

/** Only what writes may have been written: who looked, or was to be rejected without a receipt, is told so. */
function failUnknown(batch: Batch, reason: string): void {
  for (const { envelope, turn } of batch.entries) {
    const writes =
      envelope.order.idempotencyKey !== null || (turn.kind === "handled" && turn.records.length > 0);
    envelope.fail(
      new PachydermError("STORE_UNAVAILABLE", reason, { outcome: writes ? "unknown" : "not-committed" }),
    );
  }
}

function failAll(batch: Batch, error: PachydermError): void {
  for (const { envelope } of batch.entries) envelope.fail(error);
}

function referenceOf(batch: Batch): Reference {
  const [first] = batch.entries;
  return first === undefined ? { type: "", id: "" } : first.envelope.order.reference;
}
