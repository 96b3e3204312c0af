// A node's claims on partitions: each one a Redlock. Twin of memory/leases.ts. What Redlock leaves open is closed here
// and in ballot.ts: docs/decisions/0010.

import Redlock, { ExecutionError, Lock } from "redlock";
import { reasonOf } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Lease, LeaseResult, Leases } from "../ports/leases.ts";
import { Ballot } from "./ballot.ts";
import type { KeySpace } from "./keys.ts";
import type { Client } from "./script.ts";

export interface RedisLeasesParts {
  /** Independent of each other, and an odd number: of two, one for and one against would settle nothing. */
  readonly servers: readonly Client[];
  readonly space: KeySpace;
  /** Whole milliseconds that a claim lasts. */
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** One try: whoever wants a partition asks again with its next heartbeat. Of drift we keep account ourselves. */
const settings = { driftFactor: 0, retryCount: 0, retryDelay: 0, retryJitter: 0 } as const;

export class RedisLeases implements Leases {
  readonly #parts: RedisLeasesParts;
  /** What a claim's keys hold, which is what names it; a lease and what it was extended to are one claim. */
  readonly #values = new WeakMap<Lease, string>();

  constructor(parts: RedisLeasesParts) {
    this.#parts = parts;
  }

  async acquire(partition: number, deadline: number): Promise<LeaseResult> {
    const { space, leaseMs } = this.#parts;
    const ask = (redlock: Redlock) => redlock.acquire([space.lease(partition)], leaseMs);
    const result = await this.#claim(partition, ask, deadline);
    // Granted too late to be of use, and of this the caller does not hear: it must not stand in anybody's way.
    if (result.kind === "late") await this.#free(partition, result.value, deadline);
    return result.kind === "late" ? unavailable(LATE) : result;
  }

  /**
   * Asked even when its time has passed here: while its value is there on a quorum, nobody else can have had one. (Redlock
   * would refuse by Date.now(), which jumps.)
   */
  async extend(lease: Lease, deadline: number): Promise<LeaseResult> {
    const { partition } = lease;
    const value = this.#values.get(lease);
    if (value === undefined) return { kind: "taken" };
    const ask = (redlock: Redlock) =>
      redlock.extend(this.#lock(redlock, partition, value), this.#parts.leaseMs);
    const result = await this.#claim(partition, ask, deadline);
    return result.kind === "late" ? unavailable(LATE) : result;
  }

  async release(lease: Lease, deadline: number): Promise<void> {
    const value = this.#values.get(lease);
    if (value !== undefined) await this.#free(lease.partition, value, deadline);
  }

  async close(): Promise<void> {
    for (const server of this.#parts.servers) server.disconnect();
  }

  async #claim(
    partition: number,
    ask: (redlock: Redlock) => Promise<Lock>,
    deadline: number,
  ): Promise<LeaseResult | { readonly kind: "late"; readonly value: string }> {
    const { servers, clock } = this.#parts;
    // From before the question: each server counts from when it carries it out, which is later.
    const from = clock.monotonicMs();
    if (from >= deadline) return unavailable("there was no time left to ask");
    // A Redlock of its own for each question: the votes of two at once could not be told apart.
    const ballot = new Ballot(servers, clock, deadline);
    try {
      const { value } = await ask(new Redlock(ballot.voters, settings));
      const until = from + validFor(this.#parts.leaseMs);
      // A slow answer may be one about the past: Redlock does not look.
      return until > clock.monotonicMs() ? this.#held(partition, until, value) : { kind: "late", value };
    } catch (thrown) {
      if (!(thrown instanceof ExecutionError)) return unavailable(reasonOf(thrown));
      if (!ballot.lost) await ballot.counted;
      return ballot.lost ? { kind: "taken" } : unavailable(ballot.reason);
    }
  }

  #held(partition: number, until: number, value: string): LeaseResult {
    const lease: Lease = { partition, until };
    this.#values.set(lease, value);
    return { kind: "held", lease };
  }

  async #free(partition: number, value: string, deadline: number): Promise<void> {
    const { servers, clock } = this.#parts;
    const redlock = new Redlock(new Ballot(servers, clock, deadline).voters, settings);
    // It was another's already, or its servers are not there: then its time has passed, or will.
    await redlock.release(this.#lock(redlock, partition, value)).catch(() => {});
  }

  #lock(redlock: Redlock, partition: number, value: string): Lock {
    const never = Number.POSITIVE_INFINITY; // its end is ours to know, by a clock that does not jump
    return new Lock(redlock, [this.#parts.space.lease(partition)], value, [], never);
  }
}

const LATE = "the lease servers took longer than the lease lasts";

/**
 * How long a claim is held for sure: clocks of servers may run faster than ours by a hundredth, and Redis ends what it
 * ends within two milliseconds. Source: https://redis.io/docs/latest/develop/use/patterns/distributed-locks/
 */
function validFor(leaseMs: number): number {
  return leaseMs - Math.ceil(leaseMs / 100) - 2;
}

function unavailable(reason: string): LeaseResult {
  return { kind: "unavailable", reason };
}
