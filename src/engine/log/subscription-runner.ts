// A subscription at work in a partition: reads on from its cursor, gives the events to the handler, moves the cursor. Two
// runners at once, in two nodes, are normal: events are handled twice then, and of their moves one wins.
//
// Each begins at the stored cursor and goes on without leaving anything out, and the cursor is only moved behind what was
// handled. So whichever handles an event of an entity first, all events of that entity before it were handled first.

import { PachydermError } from "../../core/errors.ts";
import { comparePlaces, entryTime } from "../../core/log-place.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Cursors, SubscriptionCursor } from "../../ports/cursors.ts";
import type { LogReader } from "../../ports/log-reader.ts";
import type { Recorder } from "../recorder.ts";
import type { Signals } from "../signals.ts";
import { CursorKeeper, isLost, type Keeping } from "./cursor-keeper.ts";
import { Deliverer, parkedBecause } from "./delivery.ts";
import { type Feed, type FeedItem, LogFeed } from "./log-feed.ts";
import type { LogTail } from "./log-tail.ts";
import { PieceHandler } from "./piece-handler.ts";
import { Rest } from "./rest.ts";
import type { Subscribed } from "./subscribed.ts";

export interface RunnerParts {
  readonly reader: LogReader;
  readonly cursors: Cursors;
  readonly tail: LogTail;
  readonly recorder: Recorder;
  readonly signals: Signals;
  readonly clock: Clock;
  /** The store's time, epoch ms. */
  readonly now: () => number;
  readonly maxRowBytes: number;
  /** Called whenever a cursor has moved. */
  readonly moved: () => void;
}

type Items = Extract<Feed, { readonly kind: "items" }>;

const CALL_MS = 2_000;
/** After what should not be, and may pass: Redis away, foreign data. */
const AGAIN_MS = 500;
const running: Keeping = { kind: "running" };

export class SubscriptionRunner {
  readonly #parts: RunnerParts;
  readonly #subscription: Subscribed;
  readonly #partition: number;
  readonly #pieces: PieceHandler;
  readonly #rest = new Rest();
  readonly #abort = new AbortController();
  #run: Promise<void> | null = null;
  /** The cursor as it was last followed. */
  #followed: CursorKeeper | null = null;
  #handled = 0;
  #caughtUp = false;

  constructor(parts: RunnerParts, subscription: Subscribed, partition: number) {
    this.#parts = parts;
    this.#subscription = subscription;
    this.#partition = partition;
    this.#pieces = new PieceHandler({
      subscription,
      recorder: parts.recorder,
      isEnded: () => this.#rest.isEnded,
      handled: (events) => {
        this.#handled += events;
      },
    });
  }

  start(): void {
    this.#run ??= this.#work();
  }

  /** Something of it may have changed that the log does not tell: its status, its generation. */
  poke(): void {
    this.#rest.poke();
  }

  /** Begins no other event; resolves when the one under way is handled and the cursor moved. It is told at `deadline`, and left. */
  async stop(deadline: number): Promise<void> {
    this.#rest.end();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, deadline - this.#parts.clock.monotonicMs()));
    await Promise.race([this.#run, promise]);
    clearTimeout(timer);
    this.#abort.abort();
  }

  async #work(): Promise<void> {
    while (!this.#rest.isEnded) {
      const cursor = await this.#load();
      if (cursor === undefined && this.#followed !== null) await this.#vanished(this.#followed);
      if (cursor?.status === "running") await this.#follow(cursor);
      else await this.#rest.until("poked", AGAIN_MS);
    }
  }

  /** Undefined: there is none, or it cannot be asked now. */
  async #load(): Promise<SubscriptionCursor | undefined> {
    const { cursors, clock } = this.#parts;
    const answer = await cursors.load(
      this.#subscription.name,
      this.#partition,
      clock.monotonicMs() + CALL_MS,
    );
    return answer.kind === "cursor" ? answer.cursor : undefined;
  }

  /** From a cursor on, until it is not to be followed any more. */
  async #follow(cursor: SubscriptionCursor): Promise<void> {
    const { reader, clock, tail } = this.#parts;
    const keeper = this.#keeperOf(cursor);
    this.#followed = keeper;
    const deliverer = this.#delivererOf(keeper);
    const { wants } = this.#subscription;
    const feed = new LogFeed({ reader, clock, partition: this.#partition, wants }, cursor.place);
    const off = tail.watch(this.#partition, () => this.#rest.hint());
    let keeping = running;
    while (keeping.kind === "running" && !this.#rest.isEnded) {
      this.#rest.forgetHints();
      const piece = await feed.next();
      keeping =
        piece.kind === "items"
          ? await this.#take(piece, keeper, deliverer)
          : await this.#noItems(piece, keeper);
      if (keeping.kind === "running" && piece.kind === "items" && !piece.more)
        keeping = await this.#wait(keeper);
    }
    off();
    if (keeping.kind === "running") keeping = await keeper.settle();
    if (keeping.kind === "diverged") await this.#diverged(keeper);
  }

  async #take(piece: Items, keeper: CursorKeeper, deliverer: Deliverer): Promise<Keeping> {
    const { items, end, truncated, removed } = piece;
    if (truncated > 0 || removed > 0) this.#missed(truncated, removed);
    const outcome = await this.#pieces.handle(items, keeper, deliverer);
    if (outcome.kind === "failed") return await this.#park(keeper, outcome.error, outcome.item);
    if (outcome.kind === "ended") return running;
    keeper.missed(truncated, removed);
    if (truncated + removed > 0 || comparePlaces(end, keeper.at) !== 0) keeper.reached(end);
    this.#tell(piece);
    return await keeper.turn();
  }

  /** At the end of the log, until there is more. */
  async #wait(keeper: CursorKeeper): Promise<Keeping> {
    const keeping = await keeper.settle();
    if (keeping.kind !== "running" || (await this.#rest.until("hinted", null)) !== "poked") return keeping;
    const { cursors, clock } = this.#parts;
    const answer = await cursors.load(
      this.#subscription.name,
      this.#partition,
      clock.monotonicMs() + CALL_MS,
    );
    if (answer.kind === "unavailable") return running;
    const cursor = answer.kind === "cursor" ? answer.cursor : undefined;
    const { generation, stored } = keeper;
    if (isLost(cursor, { generation, from: stored })) return { kind: "diverged" };
    const same = cursor?.generation === generation && comparePlaces(cursor.place, stored) === 0;
    return same && cursor.status === "running" ? running : { kind: "taken" };
  }

  /** What was read is no piece of the log. */
  async #noItems(feed: Exclude<Feed, Items>, keeper: CursorKeeper): Promise<Keeping> {
    if (feed.kind === "diverged") return { kind: "diverged" };
    if (feed.kind === "unreadable")
      return await this.#park(keeper, new PachydermError("UNREADABLE_EVENT", feed.reason), null);
    await this.#rest.until("poked", AGAIN_MS);
    return running;
  }

  /** There is no cursor any more: it was removed, or Redis lost it together with what it stood behind. */
  async #vanished(keeper: CursorKeeper): Promise<void> {
    const { reader, cursors, clock } = this.#parts;
    const deadline = clock.monotonicMs() + CALL_MS;
    const page = await reader.read(this.#partition, keeper.stored, 1, deadline);
    if (page.kind === "unavailable") return;
    this.#followed = null;
    if (page.kind !== "diverged") return;
    const { name, from } = this.#subscription;
    await cursors.change(name, this.#partition, { kind: "begin", at: from(this.#partition) }, deadline);
    await this.#diverged(keeper);
  }

  /**
   * The log lost what was handled here: the handler has seen events that are not, and the cursor that Redis holds is of
   * before. Nothing goes on until somebody has looked.
   */
  async #diverged(keeper: CursorKeeper): Promise<void> {
    const { entry } = keeper.stored;
    this.#parts.signals.emit("log-diverged", {
      partition: this.#partition,
      entry,
      subscription: this.#subscription.name,
    });
    const message = `the log no longer holds the entry ${entry}, up to which the subscription had come`;
    const cursor = await this.#load();
    if (cursor !== undefined) await this.#store(new PachydermError("LOG_DIVERGED", message), null, cursor);
    this.#followed = null;
  }

  async #park(keeper: CursorKeeper, error: unknown, item: FeedItem | null): Promise<Keeping> {
    const keeping = await keeper.settle();
    if (keeping.kind !== "running") return keeping;
    await this.#store(error, item, { generation: keeper.generation, place: keeper.stored });
    return { kind: "stopped" };
  }

  async #store(
    error: unknown,
    item: FeedItem | null,
    { generation, place: at }: Pick<SubscriptionCursor, "generation" | "place">,
  ): Promise<void> {
    const { cursors, clock, signals } = this.#parts;
    const { name: subscription } = this.#subscription;
    const park = { kind: "park", generation, at, error: parkedBecause(error) } as const;
    for (;;) {
      const answer = await cursors.change(subscription, this.#partition, park, clock.monotonicMs() + CALL_MS);
      if (answer.kind !== "unavailable" || this.#rest.isEnded) break;
      await this.#rest.until("ended", AGAIN_MS);
    }
    const reference = item === null ? null : this.#pieces.referenceOf(item);
    const version = item?.record.version ?? null;
    signals.emit("subscription-parked", {
      subscription,
      partition: this.#partition,
      error,
      reference,
      version,
    });
  }

  #missed(entries: number, events: number): void {
    const { name: subscription } = this.#subscription;
    this.#parts.signals.emit("subscription-truncated", {
      subscription,
      partition: this.#partition,
      entries,
      events,
    });
  }

  #tell({ end, more }: Items): void {
    const { progress } = this.#subscription;
    const caughtUp = !more;
    if (progress === null || (caughtUp && this.#caughtUp)) return;
    this.#caughtUp = caughtUp;
    const behindMs = caughtUp ? 0 : Math.max(0, this.#parts.now() - entryTime(end.entry));
    try {
      progress({ partition: this.#partition, handled: this.#handled, behindMs, caughtUp });
    } catch (thrown) {
      process.emitWarning(thrown instanceof Error ? thrown : String(thrown)); // the program's fault, and no event's
    }
  }

  #keeperOf(cursor: SubscriptionCursor): CursorKeeper {
    const { cursors, clock, moved } = this.#parts;
    const { name } = this.#subscription;
    return new CursorKeeper(
      { cursors, clock, name, partition: this.#partition, rest: this.#rest, moved },
      cursor,
    );
  }

  #delivererOf(keeper: CursorKeeper): Deliverer {
    return new Deliverer({
      subscription: this.#subscription,
      partition: this.#partition,
      maxRowBytes: this.#parts.maxRowBytes,
      signal: this.#abort.signal,
      rest: this.#rest,
      row: (key) => keeper.row(key),
    });
  }
}
