// Claims on partitions, where all nodes are of this process. Twin of redis/leases.ts.

import type { Clock } from "../ports/clock.ts";
import type { Lease, LeaseResult, Leases } from "../ports/leases.ts";
import { later } from "./later.ts";

/** Names a claim; nobody else can make the same. */
type Claim = symbol;

/** What the nodes of a network share: who has which partition, until when. */
export class MemoryClaims {
  readonly #clock: Clock;
  readonly #held = new Map<number, { readonly claim: Claim; readonly until: number }>();

  /** @param clock by which claims end */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whose it is now. */
  of(partition: number): Claim | undefined {
    const held = this.#held.get(partition);
    return held !== undefined && held.until > this.#clock.monotonicMs() ? held.claim : undefined;
  }

  set(partition: number, claim: Claim, leaseMs: number): void {
    this.#held.set(partition, { claim, until: this.#clock.monotonicMs() + leaseMs });
  }

  /** Milliseconds that it is still held; 0: it is free. */
  remaining(partition: number): number {
    return Math.max(0, (this.#held.get(partition)?.until ?? 0) - this.#clock.monotonicMs());
  }

  free(partition: number): void {
    this.#held.delete(partition);
  }
}

export class MemoryLeases implements Leases {
  readonly #clock: Clock;
  readonly #claims: MemoryClaims;
  readonly #leaseMs: number;
  readonly #names = new WeakMap<Lease, Claim>();
  #closed = false;

  /** @param claims other leases with the same ones are another node's */
  constructor(clock: Clock, claims: MemoryClaims, leaseMs: number) {
    this.#clock = clock;
    this.#claims = claims;
    this.#leaseMs = leaseMs;
  }

  async acquire(partition: number, deadline: number): Promise<LeaseResult> {
    return await later(this.#unavailable(deadline) ?? this.#hold(partition, Symbol("claim"), undefined));
  }

  async extend(lease: Lease, deadline: number): Promise<LeaseResult> {
    const claim = this.#names.get(lease);
    if (claim === undefined) return await later({ kind: "taken" });
    return await later(this.#unavailable(deadline) ?? this.#hold(lease.partition, claim, claim));
  }

  async release(lease: Lease, deadline: number): Promise<void> {
    const claim = this.#names.get(lease);
    if (this.#unavailable(deadline) === null && claim !== undefined) {
      if (this.#claims.of(lease.partition) === claim) this.#claims.free(lease.partition);
    }
    await later(undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** @param whose the partition must be for it; undefined: nobody's */
  #hold(partition: number, claim: Claim, whose: Claim | undefined): LeaseResult {
    if (this.#claims.of(partition) !== whose) return { kind: "taken" };
    const lease: Lease = { partition, until: this.#clock.monotonicMs() + this.#leaseMs };
    this.#claims.set(partition, claim, this.#leaseMs);
    this.#names.set(lease, claim);
    return { kind: "held", lease };
  }

  #unavailable(deadline: number): LeaseResult | null {
    if (this.#closed) return { kind: "unavailable", reason: "this node has closed its leases" };
    if (this.#clock.monotonicMs() < deadline) return null;
    return { kind: "unavailable", reason: "there was no time left to ask" };
  }
}
