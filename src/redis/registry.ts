// From what the user gave to membership and leases that are fit to be used, or a sentence that says what to mend.

import { PachydermError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";
import { quorumOf } from "./ballot.ts";
import { Connector, type RedisInput } from "./connection.ts";
import { KeySpace } from "./keys.ts";
import { RedisLeases } from "./leases.ts";
import { RedisMembership } from "./membership.ts";
import { connect, withDeadline } from "./reach.ts";
import type { Client } from "./script.ts";

export interface RegistryOptions {
  readonly redis: RedisInput;
  /** Independent servers that grant leases by majority; an odd number. Default: `redis` alone. */
  readonly leaseServers?: readonly RedisInput[];
  readonly network: string;
  readonly partitions: number;
  /** Whole milliseconds that a lease lasts, unless it is extended. */
  readonly leaseMs: number;
  readonly clock: Clock;
  /** Milliseconds until `openRegistry` gives up. */
  readonly timeoutMs: number;
}

export interface Registry {
  readonly membership: RedisMembership;
  readonly leases: RedisLeases;
}

/**
 * Connects to the registry, and to a majority of the lease servers: the others may come later. The servers themselves are
 * checked by `openRedis`.
 *
 * @throws PachydermError STORE_UNAVAILABLE (not there, or no answer in time), UNAUTHORIZED, INVALID_OPTIONS
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const { redis, network, partitions, leaseMs, clock, timeoutMs } = options;
  const inputs = options.leaseServers ?? [redis];
  if (inputs.length % 2 === 0)
    throw new PachydermError("INVALID_OPTIONS", "the lease servers are an odd number");
  const connector = new Connector(redis);
  const servers = inputs.map((input) => new Connector(input).client("leases"));
  const client = connector.client("members");
  const openLine = () => connector.line("nudges", client);
  const membership = new RedisMembership({ client, openLine, network, clock });
  const leases = new RedisLeases({ servers, space: new KeySpace(network, partitions), leaseMs, clock });
  try {
    // One after the other, so that what is told is the error of the one that is missing.
    const giveUpAt = clock.monotonicMs() + timeoutMs;
    await withDeadline(reach(client, membership), timeoutMs, [client]);
    await withDeadline(connectMost(servers), giveUpAt - clock.monotonicMs(), servers);
    return { membership, leases };
  } catch (thrown) {
    await Promise.all([membership.close(), leases.close()]);
    throw thrown;
  }
}

/** In this order: on a cluster a line needs to know a master. */
async function reach(client: Client, membership: RedisMembership): Promise<void> {
  await connect(client);
  await membership.listen();
}

/** @throws PachydermError the last refusal, when too few are left */
async function connectMost(servers: readonly Client[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const quorum = quorumOf(servers.length);
  let ready = 0;
  let refused = 0;
  for (const server of servers) {
    connect(server).then(
      () => {
        ready += 1;
        if (ready === quorum) resolve();
      },
      (refusal: unknown) => {
        refused += 1;
        if (servers.length - refused < quorum) reject(refusal);
      },
    );
  }
  await promise;
}
