// Who is there: the nodes of a network, each telling of itself for a time. An economy: whoever is wrongly thought to
// live, or to be gone, costs time and no guarantee. Twins in memory/ and redis/, laws in laws/.

import type { Member } from "../core/member.ts";

export type Seen =
  /** All that live, in the order of their ids; `now`: the store's time, epoch ms. */
  | { readonly kind: "seen"; readonly now: number; readonly members: readonly Member[] }
  | { readonly kind: "unavailable"; readonly reason: string };

/** One node's view of the registry of its network. */
export interface Membership {
  /**
   * Tells the others what this node is, and that it lives for `ttlMs` (a whole number, more than 0) from now, by the
   * store's clock; what it told before is replaced.
   *
   * Guarantee: the members that are returned are one moment's, this one among them; none whose time has passed. One that
   * another version of the code told in a form that cannot be read here is left out.
   * Fails with: `unavailable` as a value; never throws, and has an answer when `deadline` (monotonic ms) has passed.
   */
  announce(member: Member, ttlMs: number, deadline: number): Promise<Seen>;

  /** All that live, without being one of them. Fails with: as `announce`. */
  look(deadline: number): Promise<Seen>;

  /** Takes the member out at once. Never fails: where it cannot be told, its time will pass. */
  leave(id: string, deadline: number): Promise<void>;

  /** A hint to all, this node too, that it is worth looking now. May be lost; may come twice. */
  nudge(): void;

  /** Called for each hint, and each time that hints may have been missed. One listener at a time: the last one given. */
  onNudge(listener: () => void): void;

  /** Lets go of connections and timers. What is under way is answered `unavailable`. */
  close(): Promise<void>;
}
