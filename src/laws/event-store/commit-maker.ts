// Random commits for one entity: most at its head, some from what was once true, some that never were.

import type { Commit, EntityKey, NewRecord, ReceiptStep } from "../../ports/event-store.ts";
import { type Head, start } from "./client.ts";
import type { Dice } from "./dice.ts";
import type { ModelEntity } from "./model.ts";

/** How many heads and commits are remembered, to be tried again later. */
const REMEMBERED = 12;

export class CommitMaker {
  readonly #key: EntityKey;
  readonly #dice: Dice;
  readonly #model: ModelEntity;
  readonly #commits: Commit[] = [];
  readonly #heads: Head[] = [start];
  #made = 0;

  constructor(key: EntityKey, dice: Dice, model: ModelEntity) {
    this.#key = key;
    this.#dice = dice;
    this.#model = model;
  }

  next(): Commit {
    if (this.#commits.length > 0 && this.#dice.chance(0.12)) return this.#dice.oneOf(this.#commits);
    const commit = this.#fresh();
    remember(this.#commits, commit);
    remember(this.#heads, this.#head());
    return commit;
  }

  #fresh(): Commit {
    this.#made += 1;
    const expected = this.#expected();
    const records = this.#records();
    const snapshot =
      records.length > 0 && this.#dice.chance(0.2)
        ? {
            version: expected.version + records.length,
            schema: this.#dice.number(1, 2),
            state: `{"made":${this.#made}}`,
          }
        : null;
    const type = this.#dice.oneOf(["one", "another"]);
    const receipts = this.#receipts();
    return { key: this.#key, type, commitId: `c${this.#made}`, expected, records, receipts, snapshot };
  }

  #expected(): Head {
    const head = this.#head();
    const throw100 = this.#dice.number(1, 100);
    if (throw100 <= 75) return head;
    if (throw100 <= 90) return this.#dice.oneOf(this.#heads);
    if (throw100 <= 95) return { version: head.version + this.#dice.number(1, 3), commitId: "ahead" };
    return head.version === 0 ? head : { version: this.#dice.number(1, head.version), commitId: "never-was" };
  }

  #records(): readonly NewRecord[] {
    const throw100 = this.#dice.number(1, 100);
    const count = throw100 <= 15 ? 0 : throw100 <= 75 ? 1 : throw100 <= 98 ? this.#dice.number(2, 5) : 140;
    return Array.from({ length: count }, (_, i) => ({
      messageId: `m${this.#made}-${i}`,
      event: `{"type":"walked","made":${this.#made},"i":${i}}`,
      reply: this.#dice.chance(0.3) ? `"reply ${this.#made}"` : "",
    }));
  }

  /** Keys come into use and go out of it, so that some are met again for as long as the walk goes on. */
  #receipts(): readonly ReceiptStep[] {
    const kinds = (["k", "m", "t"] as const).filter(() => this.#dice.chance(0.25));
    return kinds.map((kind) => {
      const value = `{"by":${this.#made}}`;
      return {
        kind,
        key: `key ${this.#dice.number(0, 3) + Math.floor(this.#made / 4)}`,
        write: this.#dice.chance(0.5) ? { value, ttlMs: 86_400_000 } : null,
        notAfter: this.#dice.oneOf([null, Number.MAX_SAFE_INTEGER]),
      };
    });
  }

  #head(): Head {
    const last = this.#model.records.at(-1);
    return last === undefined ? start : { version: last.version, commitId: last.commitId };
  }
}

function remember<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > REMEMBERED) list.shift();
}
