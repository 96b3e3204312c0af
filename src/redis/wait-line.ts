// Connections to one server on which WAIT and WAITAOF are asked: they block the connection that asks, so commits have
// none of it. Whoever asks for the same in one turn of the loop is gathered into one question.

import type { Redis } from "ioredis";
import { reasonOf } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Confirmed, Wanted } from "../ports/durability.ts";
import { codeOf } from "./failure.ts";

/** `moved`: the key is another server's. */
export type Waited = Confirmed | { readonly kind: "moved" };

/** Questions that may wait on one server at once: one that is not reached must not hold up the others for long. */
const LINES = 8;
/** One question to Redis waits no longer, so that a line that went silent is noticed. */
const ASK_MS = 1_000;

interface Asker {
  readonly deadline: number;
  settle(waited: Waited): void;
}

interface Question {
  readonly fence: string;
  readonly wanted: Wanted;
  readonly askers: Asker[];
}

export class WaitLines {
  readonly #open: () => Redis;
  readonly #clock: Clock;
  /** Asked in this turn of the loop, by what is asked. */
  readonly #gathered = new Map<string, Question>();
  readonly #queue: Question[] = [];
  readonly #idle: Redis[] = [];
  readonly #busy = new Set<Redis>();
  readonly #askers = new Set<Asker>();
  #closed = false;

  /** @param open makes a connection to the server, not connected yet, that does not come back by itself */
  constructor(open: () => Redis, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** @param fence a key that is written first: WAIT is about what its own connection has written */
  ask(fence: string, wanted: Wanted, deadline: number): Promise<Waited> {
    if (this.#closed)
      return Promise.resolve({ kind: "unavailable", reason: "this node has closed its connections" });
    const { promise, resolve } = Promise.withResolvers<Waited>();
    const late = { kind: "confirmed", local: 0, replicas: 0, reached: false } as const;
    const left = Math.max(0, deadline - this.#clock.monotonicMs());
    const timer = setTimeout(() => asker.settle(late), left);
    const asker: Asker = {
      deadline,
      settle: (waited) => {
        if (!this.#askers.delete(asker)) return;
        clearTimeout(timer);
        resolve(waited);
      },
    };
    this.#askers.add(asker);
    this.#gather(fence, wanted, asker);
    return promise;
  }

  close(): void {
    this.#closed = true;
    for (const line of [...this.#idle, ...this.#busy]) line.disconnect();
    const reason = "this node has closed its connections";
    for (const asker of [...this.#askers]) asker.settle({ kind: "unavailable", reason });
  }

  #gather(fence: string, wanted: Wanted, asker: Asker): void {
    const name = `${wanted.kind === "replicas" ? wanted.count : ""} ${fence}`;
    const gathered = this.#gathered.get(name);
    if (gathered !== undefined) {
      gathered.askers.push(asker);
      return;
    }
    if (this.#gathered.size === 0) setImmediate(() => this.#flush());
    this.#gathered.set(name, { fence, wanted, askers: [asker] });
  }

  #flush(): void {
    this.#queue.push(...this.#gathered.values());
    this.#gathered.clear();
    this.#next();
  }

  #next(): void {
    while (!this.#closed && this.#queue.length > 0 && this.#busy.size < LINES) {
      const question = this.#queue.shift();
      if (question === undefined) return;
      if (!this.#isWanted(question)) continue; // everybody has given up while it waited for a line
      const line = this.#idle.pop() ?? this.#open();
      this.#busy.add(line);
      void this.#run(question, line).then((kept) => {
        this.#busy.delete(line);
        if (kept && !this.#closed) this.#idle.push(line);
        else line.disconnect();
        this.#next();
      });
    }
  }

  /** Whether the line can be used again. Never rejects. */
  async #run(question: Question, line: Redis): Promise<boolean> {
    try {
      if (line.status === "wait") await line.connect();
      await line.set(question.fence, "1");
      while (this.#isWanted(question)) {
        const [local, replicas] = await wait(line, question.wanted, Math.min(ASK_MS, this.#left(question)));
        const reached = isReached(question.wanted, local, replicas);
        for (const asker of this.#over(question, reached))
          asker.settle({ kind: "confirmed", local, replicas, reached });
      }
      return true;
    } catch (thrown) {
      if (thrown instanceof Error && codeOf(thrown) === "MOVED") {
        for (const asker of question.askers) asker.settle({ kind: "moved" });
        return true;
      }
      const reason = reasonOf(thrown);
      for (const asker of question.askers) asker.settle({ kind: "unavailable", reason });
      return false;
    }
  }

  #isWanted({ askers }: Question): boolean {
    return askers.some((asker) => this.#askers.has(asker));
  }

  #left({ askers }: Question): number {
    const last = askers.reduce((latest, { deadline }) => Math.max(latest, deadline), 0);
    return Math.max(1, Math.ceil(last - this.#clock.monotonicMs())); // 0 would be for ever
  }

  /** Who hears of an answer: everybody if it is what they wanted, else those whose time is over. */
  #over({ askers }: Question, reached: boolean): readonly Asker[] {
    if (reached) return askers;
    const now = this.#clock.monotonicMs();
    return askers.filter(({ deadline }) => deadline <= now);
  }
}

async function wait(
  line: Redis,
  wanted: Wanted,
  ms: number,
): Promise<readonly [local: number, replicas: number]> {
  if (wanted.kind === "replicas") return [0, await line.wait(wanted.count, ms)];
  const [local, replicas] = (await line.call("WAITAOF", 1, 0, ms)) as [number, number];
  return [local, replicas];
}

function isReached(wanted: Wanted, local: number, replicas: number): boolean {
  return wanted.kind === "fsync" ? local >= 1 : replicas >= wanted.count;
}
