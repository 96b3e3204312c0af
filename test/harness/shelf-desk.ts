// Who sends to shelves and reads their rows, from a node that hosts nothing, whose code is of one version. And a pace at
// which that is done: each message that was answered is followed by a read on another node, which must show just what it
// brought, for nobody else sends to that shelf meanwhile.

import { isDeepStrictEqual } from "node:util";
import { type Pachyderm, PachydermError } from "../../src/index.ts";
import type { LedgerState, Shelf } from "../programs/ledger.ts";
import { until } from "./until.ts";

/**
 * One find or count of a node at a time, and then none for so many times as long as it took: where rows are behind it makes
 * hundreds, and the pace is to be kept beside it.
 */
const FIND_REST = 3;
/** Of so many finds one is a count. */
const COUNTS = 4;
const TICK_MS = 10;
const MOST_PROBLEMS = 20;
const LONGEST_MS = 60_000;

type Row = ReturnType<Shelf["views"]["all"]["row"]>;

export class Desk {
  readonly node: Pachyderm;
  readonly code: Shelf;
  /** Reads that showed what they must. */
  readonly right = { got: 0, found: 0, counted: 0 };
  /** Finds that came while the view was not built. */
  unbuilt = 0;
  /** The view is there as long as this is true: a find must find. */
  isBuilt = false;
  /** Messages and reads under way. */
  busy = 0;
  #turns = 0;
  #finds = false;
  /** Not before: performance.now(). */
  #findFrom = 0;

  constructor(node: Pachyderm, code: Shelf) {
    this.node = node;
    this.code = code;
  }

  /** What is wrong with what is read of a shelf that is in this state, one of so many; undefined: nothing. */
  async check(id: string, state: LedgerState, shelves: number): Promise<string | undefined> {
    const { all, odd } = this.code.views;
    const row = all.row(state, { id });
    const problem = (await this.#get(id, "all", row)) ?? (await this.#get(id, "odd", odd.row(state)));
    if (problem !== undefined || this.#finds || performance.now() < this.#findFrom) return problem;
    this.#finds = true;
    this.#turns += 1;
    const from = performance.now();
    try {
      return this.#turns % COUNTS === 0 ? await this.#count(shelves) : await this.#find(row);
    } catch (thrown) {
      if (this.isBuilt || !(thrown instanceof PachydermError) || thrown.code !== "VIEW_NOT_BUILT")
        return this.#wrong("find", String(thrown), row);
      this.unbuilt += 1;
      return undefined;
    } finally {
      this.#finds = false;
      this.#findFrom = performance.now() + FIND_REST * (performance.now() - from);
    }
  }

  async #get(id: string, view: "all" | "odd", row: object | null): Promise<string | undefined> {
    const got = await this.node.view({ type: "shelf" }, view).get(id);
    if (!isDeepStrictEqual(got, row)) return this.#wrong(`${view}.get`, got, row);
    this.right.got += 1;
    return undefined;
  }

  async #find(row: Row): Promise<string | undefined> {
    const { id, digest } = row;
    const view = this.node.view({ type: "shelf" }, "all");
    const { rows } = await view.find({ by: "digest", from: digest, to: digest, limit: 100 });
    const found = (rows as readonly Row[]).filter((one) => one.id === id);
    if (!isDeepStrictEqual(found, [row])) return this.#wrong(`find by the digest of ${id}`, found, [row]);
    this.right.found += 1;
    return undefined;
  }

  async #count(shelves: number): Promise<string | undefined> {
    const count = await this.node.view({ type: "shelf" }, "all").count();
    if (count !== shelves) return this.#wrong("count", count, shelves);
    this.right.counted += 1;
    return undefined;
  }

  #wrong(what: string, is: unknown, should: unknown): string {
    const { version } = this.code.views.all;
    return `${what} of version ${version}: ${JSON.stringify(is)}, and should be ${JSON.stringify(should)}`;
  }
}

export class Pace {
  desks: readonly Desk[];
  /** What was read and should not have been, and errors; nothing is begun any more after some. */
  readonly problems: string[] = [];
  /** Messages that were answered, of each shelf. */
  readonly answered = new Map<string, number>();
  /** Milliseconds that the slowest answer to a message took. */
  slowest = 0;
  /** Shelves that nobody sends to now, whoever waited longest first. */
  readonly #free: string[];
  readonly #shelves: number;
  readonly #perSecond: number;
  readonly #from = performance.now();
  readonly #timer: NodeJS.Timeout;
  #begun = 0;
  #sent = 0;

  /**
   * @param ids shelves that are there
   * @param others how many others there are, that nobody sends to
   */
  constructor(ids: readonly string[], others: number, perSecond: number, desks: readonly Desk[]) {
    this.#free = [...ids];
    this.#shelves = ids.length + others;
    for (const id of ids) this.answered.set(id, 0);
    this.#perSecond = perSecond;
    this.desks = desks;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Messages that were answered. */
  get sent(): number {
    return this.#sent;
  }

  /** Answers a second, since the beginning. */
  get perSecond(): number {
    return (1_000 * this.#sent) / (performance.now() - this.#from);
  }

  /** Whoever is asked less and less of is not asked at all when this settles. */
  async retire(desk: Desk): Promise<void> {
    this.desks = this.desks.filter((one) => one !== desk);
    await until("its last reads have ended", () => desk.busy === 0, LONGEST_MS);
  }

  /** Begins nothing more; settles when nothing is under way. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.desks.map((desk) => until("all is answered", () => desk.busy === 0, LONGEST_MS)));
  }

  /** What did not come in time comes later, a few times as fast: not all at once. */
  #tick(): void {
    if (this.problems.length >= MOST_PROBLEMS) return;
    const due = ((performance.now() - this.#from) * this.#perSecond) / 1_000 - this.#begun;
    const most = (5 * this.#perSecond * TICK_MS) / 1_000;
    for (let i = 0; i < Math.min(due, most); i++) {
      const id = this.#free.shift();
      if (id === undefined) return;
      this.#begun += 1;
      this.#one(id);
    }
  }

  async #one(id: string): Promise<void> {
    const number = this.#begun;
    const all = this.desks.length;
    // Each reads of each in turn.
    const [sender, reader] = [this.desks[number % all], this.desks[Math.floor(number / all) % all]];
    if (sender === undefined || reader === undefined) throw new Error("nobody is there to send");
    sender.busy += 1;
    reader.busy += 1;
    try {
      const from = performance.now();
      const op = `${number}:${number}`;
      const { state } = await sender.node.send({ type: "shelf", id }, { type: "add", op });
      this.slowest = Math.max(this.slowest, performance.now() - from);
      this.#sent += 1;
      this.answered.set(id, (this.answered.get(id) ?? 0) + 1);
      const problem = await reader.check(id, state as LedgerState, this.#shelves);
      if (problem !== undefined) this.problems.push(problem);
      this.#free.push(id);
    } catch (thrown) {
      this.problems.push(String(thrown));
    } finally {
      sender.busy -= 1;
      reader.busy -= 1;
    }
  }
}
