// One question of Redlock's to all its servers: each is asked once, each has voted by the deadline, the votes are
// counted. Redlock itself tells only that there was no quorum: neither why nor, where a server is silent, when.

import type { RedlockClient } from "redlock";
import { reasonOf } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { codeOf } from "./failure.ts";
import type { Client } from "./script.ts";

/** `against`: the key is somebody else's there. `silent`: it was not there, refused, or had no time left to answer. */
type Vote = "for" | "against" | "silent";

/** Longer ones than this are no time to Node's timers. */
const LONGEST_MS = 2 ** 31 - 1;

export class Ballot {
  readonly voters: readonly RedlockClient[];
  readonly #clock: Clock;
  readonly #deadline: number;
  readonly #votes = new Map<Client, Vote>();
  readonly #counted = Promise.withResolvers<void>();
  #reason = "the votes of the lease servers are split";

  constructor(servers: readonly Client[], clock: Clock, deadline: number) {
    this.#clock = clock;
    this.#deadline = deadline;
    this.voters = servers.map((server) => ({
      evalsha: (sha, keys, parts) => this.#ask(server, () => server.evalsha(sha, keys, ...parts)),
      eval: (script, keys, parts) => this.#ask(server, () => server.eval(script, keys, ...parts)),
    }));
  }

  /** Of a question without a quorum: so many are against it that the silent ones could not have made one. */
  get lost(): boolean {
    const against = [...this.#votes.values()].filter((vote) => vote === "against").length;
    return this.voters.length - against < quorumOf(this.voters.length);
  }

  /**
   * Resolves when all have voted, by the deadline at the latest. Redlock gives up as soon as there can be no quorum any
   * more: after one against and one silent of three, say, while the third is about to tell which of the two it was.
   */
  get counted(): Promise<void> {
    return this.#counted.promise;
  }

  /** Why a server was silent. */
  get reason(): string {
    return this.#reason;
  }

  /**
   * Settles by the deadline. What comes later is nobody's: Redlock has taken the silence for a vote against, and its
   * release of what may have been claimed stands behind the claim on the same line. Where that line was lost, and a
   * frozen server thaws, the claim of nobody lasts until its time has passed.
   */
  #ask(server: Client, send: () => Promise<unknown>): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const late = new Error("the lease server did not answer in time");
    const left = this.#deadline - this.#clock.monotonicMs();
    const timer = setTimeout(reject, Math.max(0, Math.min(left, LONGEST_MS)), late);
    send().then(resolve, reject);
    return promise.then(
      (reply) => {
        clearTimeout(timer);
        this.#vote(server, reply === 1 ? "for" : "against");
        return reply;
      },
      (thrown: unknown) => {
        clearTimeout(timer);
        this.#failed(server, thrown);
        // Redlock throws what is no Error where nothing catches it.
        throw thrown instanceof Error ? thrown : new Error(reasonOf(thrown));
      },
    );
  }

  #failed(server: Client, thrown: unknown): void {
    if (thrown instanceof Error && codeOf(thrown) === "NOSCRIPT") return; // it is asked again, with the text
    if (this.#vote(server, "silent")) this.#reason = reasonOf(thrown);
  }

  /** Only the first counts: a claim without a quorum is followed by its release, of which nobody asks. */
  #vote(server: Client, vote: Vote): boolean {
    if (this.#votes.has(server)) return false;
    this.#votes.set(server, vote);
    if (this.#votes.size === this.voters.length) this.#counted.resolve();
    return true;
  }
}

export function quorumOf(servers: number): number {
  return Math.floor(servers / 2) + 1;
}
