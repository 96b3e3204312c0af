// The live copy of an entity: mailbox, memory, and the commit under way. A state machine without I/O or timers: the
// pulse asks it for work and brings the answers back. Two workers for one entity are normal and harmless.
//
// One commit at a time is `flying`. Messages that come meanwhile are handled on the head that it will leave, and
// wait in `next`. If it is lost, both are handled again on what the log holds; nobody was answered, nothing left.

import type { AnyEntity } from "../core/entity.ts";
import { PachydermError } from "../core/errors.ts";
import type { StoredRecord } from "../core/record.ts";
import { readableForms } from "../core/snapshot-policy.ts";
import type { CommitResult, EntityKey, FoundReceipt } from "../ports/event-store.ts";
import { pauseAfter } from "./backoff.ts";
import { Batch, MARGIN_MS } from "./batch.ts";
import type { Link } from "./chain.ts";
import type { Envelope, Order } from "./envelope.ts";
import { emptyHead, type Head } from "./head.ts";
import { Mailbox } from "./mailbox.ts";
import { recallFromReceipt, recallFromRecords } from "./recall.ts";
import { catchUp } from "./replay.ts";
import { settle, settleFailed, settleUnavailable, settleUnknown } from "./settle.ts";
import { look, takeTurn } from "./turn.ts";
import type { WorkerHost } from "./worker-host.ts";

/** What a worker needs next. */
export type Need = "nothing" | "load" | "find" | "commit";

/** What is to be loaded for it. */
export interface LoadNeed {
  /** The form of snapshots that can be read; null: none shall be. */
  readonly schema: number | null;
  /** Those of lower forms can be read too. */
  readonly older: boolean;
  /** Monotonic ms until which somebody waits. */
  readonly deadline: number;
}

/** Which messages are to be looked for in the log. */
export interface FindNeed {
  readonly messageIds: readonly string[];
  /** Epoch ms by the store's clock. */
  readonly since: number;
  /** Monotonic ms until which somebody waits. */
  readonly deadline: number;
}

export class Worker implements Link<Worker> {
  readonly key: EntityKey;
  /** Chain of the residents, least recently used first. */
  previous: Worker | null = null;
  next: Worker | null = null;
  /** Monotonic ms of the last message. */
  usedAt = 0;
  /** Whether the pulse has it on its list. */
  queued = false;
  /** Whether its lane has it on its list. */
  boarding = false;
  readonly #host: WorkerHost;
  readonly #mailbox = new Mailbox();
  /** Null: cold. */
  #head: Head | null = null;
  /**
   * The memory is a guess: that nothing is in the log. Nobody hears of what is handled on it before a commit has compared,
   * and where it was wrong the entity is loaded, as if there had been no guess. See docs/decisions/0032.
   */
  #isGuess = false;
  #mayGuess = true;
  #flying: Batch | null = null;
  #next: Batch | null = null;
  /** A load or a pause is under way. */
  #busy = false;
  /** Commits without success since the last one with it. */
  #lostInARow = 0;
  /** After a refusal, so many messages go one by one, for one of them may sink the others. */
  #alone = 0;
  #useSnapshot = true;
  /**
   * A second attempt waits, and nothing new is handled before the log was looked in for the first one. What is under way
   * lands before that: it may be the first one. So of everything in the log up to the head it is known whose it is.
   */
  #seeking = false;
  /** Messages that are being looked for. */
  #sought: readonly Envelope[] = [];
  /** Messages that waited when the load under way was asked for: its deadline is theirs. */
  #loadingFor = 0;

  constructor(key: EntityKey, host: WorkerHost) {
    this.key = key;
    this.#host = host;
  }

  /** Nothing waits: its memory may be let go. */
  get isIdle(): boolean {
    return !this.#busy && this.#waiting === 0;
  }

  /** Whose entity it is, where that is known. */
  get definition(): AnyEntity | null {
    return this.#head?.definition ?? null;
  }

  /** @throws PachydermError MAILBOX_FULL */
  take(envelope: Envelope): void {
    const { mailbox } = this.#host;
    if (this.#waiting >= mailbox) {
      throw new PachydermError("MAILBOX_FULL", `${mailbox} messages wait for the entity ${this.key.id}`);
    }
    this.#mailbox.put(envelope);
    if (envelope.seeks) this.#seeking = true;
  }

  /** One beat: handles what came, and says what is needed for it. */
  beat(): Need {
    if (this.#busy) return "nothing";
    if (this.#head === null) return this.#mailbox.hasWaiting ? "load" : "nothing";
    if (this.#seeking) {
      if (this.#flying !== null) return "nothing";
      return this.#next === null ? "find" : "commit";
    }
    this.#handle((this.#next ?? this.#flying)?.head ?? this.#head);
    return this.#flying === null && this.#next !== null ? "commit" : "nothing";
  }

  /**
   * Takes the entity for new, instead of a load: once, and for what a program sends, not where the log must be looked in
   * first, and not for what asks of an entity that is there. False: it must be loaded.
   */
  guessNew(): boolean {
    const { first } = this.#mailbox;
    if (!this.#mayGuess || this.#seeking || first === undefined || !mayBeFirst(first.order)) return false;
    this.#mayGuess = false;
    this.#isGuess = true;
    this.#head = emptyHead;
    return true;
  }

  /** Undefined where nobody waits any more; else the worker waits for `ready`, `loadAgain` or `loadFailed`. */
  startLoad(): LoadNeed | undefined {
    this.#mailbox.dropSettled();
    const { first, deadline } = this.#mailbox;
    if (first === undefined) return undefined;
    this.#busy = true;
    this.#loadingFor = this.#mailbox.size;
    const forms = this.#useSnapshot ? readableForms(first.order.definition.snapshot) : NO_FORMS;
    return { ...forms, deadline };
  }

  /** All that the log holds is folded. */
  ready(head: Head): void {
    this.#head = head;
    this.#busy = false;
    this.#useSnapshot = true;
  }

  /** The load led nowhere, and the next one may: the log changed meanwhile, or a snapshot could not be read. */
  loadAgain(useSnapshot: boolean): void {
    this.#busy = false;
    this.#useSnapshot = useSnapshot;
  }

  /**
   * Everybody whom the load was for gets the reason; nothing of them was committed. Where the store did not answer in
   * their time, whoever came since may have more of it: for them it is tried again.
   */
  loadFailed(error: PachydermError): void {
    this.#busy = false;
    this.#useSnapshot = true;
    if (error.code === "STORE_UNAVAILABLE") {
      const now = this.#host.monotonicMs();
      this.#mailbox.fail(this.#loadingFor, (envelope) =>
        envelope.failStore(error.message, "not-committed", now),
      );
    } else {
      this.#mailbox.fail(this.#mailbox.size, (envelope) => envelope.fail(error));
    }
  }

  /** Undefined where nobody waits for it any more; else the worker waits for `found` or `findFailed`. */
  startFind(): FindNeed | undefined {
    this.#mailbox.dropSettled();
    this.#sought = [...this.#mailbox].filter(({ seeks }) => seeks);
    this.#seeking = this.#sought.length > 0;
    if (!this.#seeking) return undefined;
    this.#busy = true;
    return {
      messageIds: this.#sought.map(({ order }) => order.messageId),
      since: Math.min(...this.#sought.map(({ order }) => order.sentAt)) - MARGIN_MS,
      deadline: Math.max(...this.#sought.map(({ deadline }) => deadline)),
    };
  }

  /** @param records the last one of each message that was handled */
  found(records: readonly StoredRecord[]): void {
    for (const envelope of this.#sought) {
      envelope.looked = true;
      recallFromRecords(envelope, records);
    }
    this.#endFind();
  }

  /** What became of their first attempts cannot be told: those that waited for it get the reason. */
  findFailed(error: PachydermError): void {
    const now = this.#host.monotonicMs();
    for (const envelope of this.#sought) {
      if (error.code === "STORE_UNAVAILABLE") envelope.failStore(error.message, "not-committed", now);
      else envelope.fail(error);
    }
    this.#mailbox.dropSettled();
    this.#endFind();
  }

  #endFind(): void {
    this.#sought = [];
    this.#busy = false;
    this.#seeking = [...this.#mailbox].some(({ seeks }) => seeks);
  }

  /** The batch that is to be committed now; from here on the worker waits for `landed`. */
  takeOff(): Batch | undefined {
    // A sender that was told "not committed" (its deadline passed while it waited here) must be right.
    if (this.#next?.entries.some(({ envelope }) => envelope.settled) === true) {
      this.#again();
      if (this.#head !== null && !this.#seeking) this.#handle(this.#head);
    }
    const batch = this.#next;
    if (batch === null) return undefined;
    this.#next = null;
    this.#flying = batch;
    for (const { envelope } of batch.entries) envelope.sent = true;
    return batch;
  }

  /** Seventh step of a send (before: commit-lane.ts, after: settle.ts): what became of the commit. */
  landed(result: CommitResult): void {
    const flying = this.#flying;
    if (flying === null) return;
    this.#flying = null;
    if (this.#isGuess && result.kind === "conflict") {
      this.#wrongGuess(flying, result);
    } else {
      this.#lostInARow = result.kind === "committed" ? 0 : this.#lostInARow + 1;
      this.#settleOrAgain(flying, result);
    }
    if (result.kind === "committed" || this.#head === null) this.#isGuess = false;
    // What the log holds beyond the memory that was let go, nobody has looked at yet.
    if (this.#head === null) for (const envelope of this.#mailbox) this.#seekAgain(envelope);
  }

  #settleOrAgain(flying: Batch, result: CommitResult): void {
    switch (result.kind) {
      case "committed":
        if (flying.recordCount > 0) flying.head.proof = result.proof ?? 0;
        this.#forward(flying);
        return;
      case "duplicate":
        this.#recall(flying, result.found);
        return;
      case "late":
        for (const step of result.steps) flying.ownerOfReceipt(step)?.envelope.failLate();
        this.#again(flying);
        return;
      case "conflict":
        markUnsure(flying, result);
        this.#lost(flying, result.missed);
        return;
      case "gone":
        // Nobody waits for a timer's message: the others in the batch are handled again, without it.
        for (const step of result.firings) flying.ownerOfFiring(step)?.dropFiring();
        this.#again(flying);
        return;
      case "diverged":
        this.#host.signal("log-diverged", { reference: flying.reference, version: flying.base.version });
        this.#head = null;
        this.#again(flying);
        return;
      case "reload":
        markUnsure(flying, result);
        this.#head = null;
        this.#again(flying);
        return;
      case "refused":
        this.#refused(flying, result.reason);
        return;
      case "unavailable":
        settleUnavailable(flying, result.reason, this.#host.monotonicMs());
        this.#again();
        return;
      case "unknown":
        // It may land later still: the memory is not to be trusted, and whoever was in it must hear the truth.
        settleUnknown(flying, result.reason, this.#host.monotonicMs());
        this.#head = null;
        this.#again();
        return;
    }
  }

  /** No commit came first: nothing was known. So nobody is told of a conflict, and the next thing is a load. */
  #wrongGuess(flying: Batch, result: Extract<CommitResult, { kind: "conflict" }>): void {
    markUnsure(flying, result);
    for (const { envelope } of flying.entries) recallFromRecords(envelope, result.missed);
    this.#head = null;
    this.#again(flying);
  }

  /** Whether a beat would find something to do. */
  get hasWork(): boolean {
    return this.#next !== null || this.#mailbox.hasWaiting;
  }

  /** Milliseconds to pause before the next try; 0: none. */
  get pause(): number {
    return pauseAfter(this.#lostInARow);
  }

  startPause(): void {
    this.#busy = true;
  }

  endPause(): void {
    this.#busy = false;
  }

  /** Messages that were taken and have no answer yet. */
  get #waiting(): number {
    const batched = (this.#flying?.entries.length ?? 0) + (this.#next?.entries.length ?? 0);
    return this.#mailbox.size + batched;
  }

  /** Handles what waits, on the newest head there is: `next` goes on from `base`. */
  #handle(base: Head): void {
    if (!this.#mailbox.hasWaiting) return;
    this.#mailbox.take(Worker.#visit, this, base, this.#host.now());
  }

  static #visit(this: void, envelope: Envelope, worker: Worker, base: Head, now: number): boolean {
    if (worker.#isFull()) return false;
    if (envelope.order.stale && worker.#answerStale(envelope)) return true;
    if (worker.#mustPark(envelope)) worker.#park(envelope);
    else worker.#handleOne(envelope, base, now);
    return true;
  }

  #handleOne(envelope: Envelope, base: Head, now: number): void {
    const { order, recalled } = envelope;
    this.#next ??= new Batch(base, this.#host.nextCommitId());
    const { head } = this.#next;
    const looks = order.message === undefined || recalled !== null;
    const turn = looks
      ? look(order, head, recalled?.reply ?? null)
      : takeTurn(order, head, now, this.#host.rules);
    this.#next.add(envelope, turn, this.#host);
  }

  #isFull(): boolean {
    if (this.#next === null) return false;
    const { length } = this.#next.entries;
    if (this.#alone > 0 && length > 0) return true;
    return this.#next.isFull || (this.#lostInARow > 0 && length >= AFTER_A_LOSS);
  }

  /** Equal keys and equal messages collapse: the second waits for what becomes of the first, and then finds it. */
  #mustPark({ order, recalled }: Envelope): boolean {
    if (recalled !== null) return false;
    if (order.firing !== null) return this.#touchesTimer(order.firing.name);
    const { idempotencyKey: key, crossed } = order;
    if (key === null && !crossed) return false;
    const isIn = (batch: Batch | null): boolean =>
      batch !== null && ((key !== null && batch.hasKey(key)) || (crossed && batch.hasMessage(order)));
    return isIn(this.#flying) || isIn(this.#next);
  }

  /**
   * A firing of a timer that a batch has fired, set or taken away already stands or falls with that batch: if it lands, the
   * script will say that the firing is gone; if it is lost, the firing may stand.
   */
  #touchesTimer(name: string): boolean {
    return this.#flying?.touchesTimer(name) === true || this.#next?.touchesTimer(name) === true;
  }

  #park(envelope: Envelope): void {
    this.#mailbox.park(envelope);
    this.#seekAgain(envelope);
  }

  /** A second attempt: the log may have come to hold the first one since it was looked in. */
  #seekAgain(envelope: Envelope): void {
    envelope.looked = false;
    if (envelope.seeks) this.#seeking = true;
  }

  /** From committed memory, whatever is under way; false where that does not hold the place that was asked for. */
  #answerStale(envelope: Envelope): boolean {
    const head = this.#head;
    if (head === null || this.#isGuess || !holds(head, envelope.order.expected)) return false;
    const turn = look(envelope.order, head, null);
    settle({ entries: [{ envelope, turn, version: head.version, commitId: head.commitId }] });
    return true;
  }

  #forward(flying: Batch): void {
    this.#head = flying.head;
    this.#alone = Math.max(0, this.#alone - 1);
    settle(flying);
    const { snapshotVersion, definition } = flying.head;
    if (definition?.retention !== undefined && snapshotVersion > flying.base.snapshotVersion)
      this.#host.snapshotted(this.key, snapshotVersion, definition.retention.keepEvents);
    this.#host.dispatch(flying.effects());
    const { firstDue } = flying;
    if (firstDue < Number.POSITIVE_INFINITY) this.#host.scheduled(this.key.partition, firstDue);
    this.#mailbox.unpark();
  }

  /** What was in the lost batch, and what was handled on top of it, is handled again. */
  #again(flying: Batch | null = null): void {
    this.#mailbox.putBack(flying, this.#next);
    this.#next = null;
  }

  #recall(flying: Batch, found: readonly FoundReceipt[]): void {
    for (const { step, value } of found) {
      const owner = flying.ownerOfReceipt(step);
      if (owner !== undefined) recallFromReceipt(owner.envelope, value, owner.kind);
    }
    this.#again(flying);
  }

  /** Another worker was first: catch up on what was missed, and handle again. */
  #lost(flying: Batch, missed: readonly StoredRecord[]): void {
    this.#host.signal("conflict", { reference: flying.reference, version: flying.base.version });
    for (const { envelope } of flying.entries) {
      recallFromRecords(envelope, missed);
      if (envelope.order.retry || envelope.recalled !== null) continue;
      envelope.fail(new PachydermError("CONFLICT", "another commit came first"));
    }
    this.#again(flying);
    for (const envelope of this.#mailbox) if (envelope.looked) recallFromRecords(envelope, missed);
    this.#head = catchUp(this.#host.catalog, this.#head, missed);
  }

  /** One message's fault must not sink the others: they go one by one, until it is known whose it is. */
  #refused(flying: Batch, reason: string): void {
    if (flying.entries.length > 1) {
      this.#alone = flying.entries.length;
      this.#again(flying);
      return;
    }
    settleFailed(
      flying,
      new PachydermError("UNREADABLE_EVENT", `what is stored refuses the commit: ${reason}`),
    );
    this.#alone = Math.max(0, this.#alone - 1);
    this.#head = null;
    this.#again();
  }
}

/**
 * Messages of a batch after one was lost. Beside a worker with long batches, whose next one is under way, only a short one is
 * there first; and it is no more than a conflict brings along (replay.ts), so that who loses by it need not load anew.
 */
const AFTER_A_LOSS = 64;

const NO_FORMS = { schema: null, older: false };

/** A program's own message, sent once. */
function mayBeFirst({ message, firing, crossed, attempt, destroys, repairs }: Order): boolean {
  return message !== undefined && firing === null && !crossed && attempt === 1 && !destroys && !repairs;
}

/** Should the entity be found destroyed, nothing can tell any more whether an earlier try of the commit was written. */
function markUnsure({ entries }: Batch, { mayHaveRun }: { readonly mayHaveRun?: true }): void {
  if (mayHaveRun === true) for (const { envelope } of entries) envelope.unsure = true;
}

/** Whether the memory has come to the place; of one before the head, the engine has asked the log. */
function holds({ version, commitId }: Head, expected: Order["expected"]): boolean {
  if (expected === null || typeof expected === "number" || expected.version < version) return true;
  return expected.version === version && expected.commitId === commitId;
}
