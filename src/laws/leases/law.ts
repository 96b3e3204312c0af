// Makes a law of a sentence and a check, on a network of its own: opens the holders that it needs, and closes them,
// however it ends.

import assert from "node:assert/strict";
import { newId } from "../../core/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Lease, LeaseResult, Leases } from "../../ports/leases.ts";
import type { Judged, Law } from "../backend.ts";
import type { FaultyServer } from "../server.ts";
import { until } from "../until.ts";

export interface LeasesBackend extends Judged {
  /** The clock that the leases were given: deadlines are by it. */
  readonly clock: Clock;
  /** Partitions are 0 to this, exclusive; at least 4. */
  readonly partitions: number;
  /** Another holder in a network, whose claims last so long. Laws close what they open. */
  open(network: string, leaseMs: number): Promise<Leases>;
  /** Milliseconds that the server still keeps the claim on a partition, or a little less; 0: it is free. */
  remaining(network: string, partition: number): Promise<number>;
  /** Ends the claim on a partition as its time would. */
  end(network: string, partition: number): Promise<void>;
  readonly server?: FaultyServer;
}

/** Long enough for any server that is alive; a law about deadlines sets its own. */
export const CALL_MS = 10_000;
/** A time that no law outlasts. */
export const LONG_MS = 60_000;
export const SHORT_MS = 800;

export class Stage {
  readonly backend: LeasesBackend;
  readonly network = `law-${newId().slice(-12)}`;
  readonly #opened: Leases[] = [];

  constructor(backend: LeasesBackend) {
    this.backend = backend;
  }

  async open(leaseMs = LONG_MS): Promise<Holder> {
    const leases = await this.backend.open(this.network, leaseMs);
    this.#opened.push(leases);
    return new Holder(leases, this.backend.clock);
  }

  async remaining(partition: number): Promise<number> {
    return await this.backend.remaining(this.network, partition);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((leases) => leases.close()));
  }
}

/** A holder as the laws use it: deadlines are set, and what is not the law's subject must go well. */
export class Holder {
  readonly leases: Leases;
  readonly #clock: Clock;

  constructor(leases: Leases, clock: Clock) {
    this.leases = leases;
    this.#clock = clock;
  }

  deadline(ms = CALL_MS): number {
    return this.#clock.monotonicMs() + ms;
  }

  /** Claims, whatever comes of it. */
  async claim(partition: number): Promise<LeaseResult["kind"]> {
    return (await this.leases.acquire(partition, this.deadline())).kind;
  }

  /** Claims, and must get it. */
  async acquire(partition: number): Promise<Lease> {
    return asHeld(await this.leases.acquire(partition, this.deadline()));
  }

  async extend(lease: Lease): Promise<LeaseResult> {
    return await this.leases.extend(lease, this.deadline());
  }

  async release(lease: Lease): Promise<void> {
    await this.leases.release(lease, this.deadline());
  }

  /** Claims again and again. */
  async untilAcquired(partition: number): Promise<Lease> {
    let result: LeaseResult | undefined;
    await until(`partition ${partition} is granted`, async () => {
      result = await this.leases.acquire(partition, this.deadline(500));
      return result.kind === "held";
    });
    return asHeld(result);
  }
}

export function asHeld(result: LeaseResult | undefined): Lease {
  assert.equal(result?.kind, "held", JSON.stringify(result));
  return result?.kind === "held" ? result.lease : assert.fail();
}

/** @param leaseMs of the first holder */
export function law(
  name: string,
  run: (holder: Holder, stage: Stage) => Promise<void>,
  leaseMs = LONG_MS,
): Law<LeasesBackend> {
  return {
    name,
    async check({ backend }) {
      const stage = new Stage(backend);
      try {
        await run(await stage.open(leaseMs), stage);
      } finally {
        await stage.close();
      }
    },
  };
}
