// Who is there, where all nodes are of this process. Twin of redis/membership.ts.

import type { Member } from "../core/member.ts";
import type { Clock } from "../ports/clock.ts";
import type { Membership, Seen } from "../ports/membership.ts";
import { later } from "./later.ts";

/** What the nodes of a network share: who told what, until when, and who wants to hear of it. */
export class MemoryMembers {
  readonly #clock: Clock;
  /** What the monotonic clock must be given to make it epoch time: read once, for the wall clock can go back. */
  readonly #epoch: number;
  readonly #told = new Map<string, { readonly member: Member; readonly until: number }>();
  readonly #hearers = new Set<() => void>();

  /** @param clock the store's: of its time members live */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#epoch = clock.epochMs() - clock.monotonicMs();
  }

  tell(member: Member, ttlMs: number): void {
    // A copy, as a text would be: what the teller changes later it has not told.
    this.#told.set(member.id, { member: structuredClone(member), until: this.#clock.monotonicMs() + ttlMs });
  }

  remove(id: string): void {
    this.#told.delete(id);
  }

  see(): Seen {
    const now = this.#clock.monotonicMs();
    for (const [id, { until }] of this.#told) if (until <= now) this.#told.delete(id);
    const members = [...this.#told.values()].map(({ member }) => member);
    return {
      kind: "seen",
      now: Math.floor(this.#epoch + now),
      members: members.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    };
  }

  hear(hearer: () => void): void {
    this.#hearers.add(hearer);
  }

  unhear(hearer: () => void): void {
    this.#hearers.delete(hearer);
  }

  nudge(): void {
    for (const hearer of this.#hearers) setImmediate(hearer);
  }
}

export class MemoryMembership implements Membership {
  readonly #clock: Clock;
  readonly #members: MemoryMembers;
  #listener: () => void = () => {};
  #closed = false;
  readonly #hint = (): void => {
    if (!this.#closed) this.#listener();
  };

  /** @param members another membership with the same ones is another node */
  constructor(clock: Clock, members: MemoryMembers) {
    this.#clock = clock;
    this.#members = members;
    members.hear(this.#hint);
  }

  async announce(member: Member, ttlMs: number, deadline: number): Promise<Seen> {
    return await this.#take(() => this.#members.tell(member, ttlMs), deadline);
  }

  async look(deadline: number): Promise<Seen> {
    return await this.#take(() => {}, deadline);
  }

  async leave(id: string, deadline: number): Promise<void> {
    await this.#take(() => this.#members.remove(id), deadline);
  }

  nudge(): void {
    if (!this.#closed) this.#members.nudge();
  }

  onNudge(listener: () => void): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#members.unhear(this.#hint);
  }

  /** Done when it is called, in one go: only the answer comes later, as from a server. */
  #take(step: () => void, deadline: number): Promise<Seen> {
    if (this.#closed) return later({ kind: "unavailable", reason: "this node has closed its registry" });
    if (this.#clock.monotonicMs() >= deadline)
      return later({ kind: "unavailable", reason: "there was no time left to ask" });
    step();
    return later(this.#members.see());
  }
}
