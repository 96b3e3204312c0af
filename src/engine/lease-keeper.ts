// The leases of this node: claims those partitions that are its own by rank, keeps them, and hands over those that are
// not any more, each after what is at work in it has ended.

import type { Clock } from "../ports/clock.ts";
import type { Lease, LeaseResult, Leases } from "../ports/leases.ts";
import type { Duties } from "./duties.ts";
import type { Placement } from "./placement.ts";

export interface LeaseKeeperParts {
  readonly leases: Leases;
  readonly placement: Placement;
  /** What is at work in the partitions that are held. */
  readonly duties: Duties;
  readonly clock: Clock;
  readonly partitions: number;
  /** Milliseconds that a lease lasts. */
  readonly leaseMs: number;
  /** Lets go of a partition's entities; how many are at work still. */
  readonly evict: (partition: number) => number;
  readonly lost: (partition: number) => void;
}

export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  readonly #held = new Map<number, Lease>();

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
  }

  /** Whether something is being handed over: the next round is soon. */
  get isMoving(): boolean {
    return this.#parts.placement.moving > 0;
  }

  /** One round. True if what this node claims or holds has changed, so that the others should hear of it. */
  async round(): Promise<boolean> {
    const before = claimsOf(this.#parts.placement);
    const wanted = this.#parts.placement.wanted();
    this.expire();
    await this.#extend();
    this.#begin(wanted);
    const freed = await this.#handOver();
    await this.#acquire(wanted);
    return freed > 0 || claimsOf(this.#parts.placement) !== before;
  }

  /** Lets go of leases whose time has passed while this process was frozen, or cut off: others may have them by now. */
  expire(): void {
    const now = this.#parts.clock.monotonicMs();
    for (const { partition, until } of this.#held.values()) if (until <= now) this.#lose(partition);
  }

  /** Gives up everything at once: what was taken has ended, or will end without a lease as well. */
  async releaseAll(deadline: number): Promise<void> {
    const { leases, placement } = this.#parts;
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const { partition } of held) placement.letGo(partition);
    await Promise.all(held.map((lease) => leases.release(lease, deadline)));
  }

  get #deadline(): number {
    return this.#parts.clock.monotonicMs() + this.#parts.leaseMs / 4;
  }

  async #extend(): Promise<void> {
    const { leases, clock, leaseMs } = this.#parts;
    const soon = clock.monotonicMs() + (leaseMs * 2) / 3;
    const due = [...this.#held.values()].filter(({ until }) => until <= soon);
    const deadline = this.#deadline;
    await Promise.all(due.map(async (lease) => this.#extended(lease, await leases.extend(lease, deadline))));
  }

  #extended({ partition }: Lease, result: LeaseResult): void {
    if (result.kind === "held") this.#held.set(partition, result.lease);
    else if (result.kind === "taken") this.#lose(partition);
    // Unavailable: it is tried again in the next round, until its time has passed.
  }

  /** A brake: of what has to move, only some at once, so that a join does not make all entities cold together. */
  #begin(wanted: ReadonlySet<number>): void {
    const { placement, partitions, duties } = this.#parts;
    const most = Math.ceil(partitions / MOVE_SHARE);
    const deadline = this.#deadline;
    for (const partition of this.#held.keys()) {
      if (wanted.has(partition)) {
        placement.stay(partition);
        duties.begin(partition);
      } else if (placement.moving < most) {
        placement.move(partition);
        void duties.end(partition, deadline);
      }
    }
  }

  /** How many were freed: whoever is to have them should hear of it. */
  async #handOver(): Promise<number> {
    const { leases, placement, evict, duties } = this.#parts;
    const deadline = this.#deadline;
    const free = [...this.#held.values()].filter(
      ({ partition }) => placement.isMoving(partition) && duties.isQuiet(partition) && evict(partition) === 0,
    );
    await Promise.all(
      free.map(async (lease) => {
        await leases.release(lease, deadline);
        this.#held.delete(lease.partition);
        placement.letGo(lease.partition);
      }),
    );
    return free.length;
  }

  async #acquire(wanted: ReadonlySet<number>): Promise<void> {
    const { leases, placement, duties } = this.#parts;
    const deadline = this.#deadline;
    const missing = [...wanted].filter((partition) => !this.#held.has(partition));
    await Promise.all(
      missing.map(async (partition) => {
        const result = await leases.acquire(partition, deadline);
        if (result.kind !== "held") return; // the holder hands it over, or its time will pass
        this.#held.set(partition, result.lease);
        placement.hold(partition);
        duties.begin(partition);
      }),
    );
  }

  #lose(partition: number): void {
    this.#held.delete(partition);
    this.#parts.placement.letGo(partition);
    void this.#parts.duties.end(partition, this.#deadline);
    this.#parts.evict(partition);
    this.#parts.lost(partition);
  }
}

/** Of all partitions, one in so many may be on the move at once. */
const MOVE_SHARE = 8;

function claimsOf(placement: Placement): string {
  return placement.claims.join(" ");
}
