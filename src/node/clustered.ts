// A node that is one of many: what the engine needs of the others is opened here, wired, and closed in order.

import type { Catalog } from "../core/catalog.ts";
import { PachydermError } from "../core/errors.ts";
import type { Member } from "../core/member.ts";
import { partitionOf } from "../core/partition.ts";
import { parseId } from "../core/reference.ts";
import { Cluster } from "../engine/cluster.ts";
import type { EffectRun } from "../engine/durable-effects.ts";
import type { Duties } from "../engine/duties.ts";
import type { Engine } from "../engine/engine.ts";
import { Forwarder, isReachable } from "../engine/forwarder.ts";
import { handOver } from "../engine/handover.ts";
import { LeaseKeeper } from "../engine/lease-keeper.ts";
import { PROTOCOL } from "../engine/parcels.ts";
import { Placement } from "../engine/placement.ts";
import { Reception } from "../engine/reception.ts";
import type { Signals } from "../engine/signals.ts";
import { announcedAs, type Hosting } from "../engine/view-plan.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Ran } from "../ports/jobs.ts";
import type { Leases } from "../ports/leases.ts";
import type { Membership } from "../ports/membership.ts";
import type { Listener, Parcel, Transport } from "../ports/transport.ts";
import { openRegistry, type Registry } from "../redis/registry.ts";
import { openTransport } from "../wire/transport.ts";
import type { ReadClusterOptions } from "./cluster-options.ts";
import type { ClusterView, Located, NodeView, Surroundings } from "./cluster-view.ts";
import { bracketed, isWildcard } from "./host.ts";
import { packageVersion } from "./package-version.ts";
import type { Settings } from "./settings.ts";

export interface ClusteredParts {
  readonly id: string;
  readonly settings: Settings;
  readonly options: ReadClusterOptions;
  readonly catalog: Catalog;
  readonly engine: Engine;
  readonly store: EventStore;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly duties: Duties;
  /** Runs an effect for another node. */
  readonly runEffect: (parcel: Parcel) => Promise<Parcel>;
}

/** How long the last words to Redis and to other nodes may take when a node ends, milliseconds. */
const LAST_WORDS_MS = 1_000;

export class Clustered implements Surroundings {
  readonly #parts: ClusteredParts;
  readonly #registry: Registry;
  readonly #transport: Transport;
  readonly #placement: Placement;
  readonly #forwarder: Forwarder;
  readonly #cluster: Cluster;
  readonly #self: Omit<Member, "partitions" | "leaving"> | null;

  private constructor(parts: ClusteredParts, registry: Registry, transport: Transport, wired: Wired) {
    this.#parts = parts;
    this.#registry = registry;
    this.#transport = transport;
    this.#placement = wired.placement;
    this.#forwarder = wired.forwarder;
    this.#cluster = wired.cluster;
    this.#self = wired.self;
  }

  /**
   * Connects to the registry, opens this node's door for the others, and joins.
   * @throws PachydermError INVALID_OPTIONS, STORE_UNAVAILABLE, UNAUTHORIZED
   */
  static async open(parts: ClusteredParts): Promise<Clustered> {
    const { id, settings, options, clock } = parts;
    const { redis, network, partitions, startTimeoutMs: timeoutMs, maxMessageBytes } = settings;
    if (redis === undefined)
      throw new PachydermError("INVALID_OPTIONS", "a cluster needs redis: nodes meet there");
    const { leaseMs, leaseServers } = options;
    const servers = leaseServers === undefined ? {} : { leaseServers };
    const registry = await openRegistry({
      redis,
      network,
      partitions,
      leaseMs,
      clock,
      timeoutMs,
      ...servers,
    });
    // The door is open before the node can be known; until it is wired it takes nothing.
    let receive: Listener = (_, answer) => answer(["not-taken", "stopping", null]);
    let transport: Transport | undefined;
    try {
      transport = await openTransport(
        {
          id,
          network,
          protocol: PROTOCOL,
          listen: settings.host ? { host: options.host, port: options.port } : null,
          advertise: options.advertise,
          secrets: options.secrets,
          tls: options.tls,
          maxFrameBytes: maxMessageBytes * FRAME_MESSAGES,
          report: (line) => process.emitWarning(`pachyderm: ${line}`, { code: "PACHYDERM_WIRE" }),
        },
        (question, answer) => receive(question, answer),
        clock,
      );
      const wired = wire(parts, registry, transport);
      receive = (question, answer) => wired.reception.receive(question, answer);
      const clustered = new Clustered(parts, registry, transport, wired);
      await wired.cluster.start();
      parts.engine.route(wired.forwarder);
      return clustered;
    } catch (thrown) {
      await transport?.close(0);
      await Promise.all([registry.membership.close(), registry.leases.close()]);
      throw thrown;
    }
  }

  view(): ClusterView {
    const { network, partitions } = this.#parts.settings;
    const owners = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      owner: this.#placement.holder(partition),
    }));
    const others = this.#placement.members.filter(({ id }) => id !== this.#self?.id);
    const own =
      this.#self === null
        ? []
        : [{ ...this.#self, http: this.#cluster.http, partitions: this.#placement.claims }];
    const nodes = [...own, ...others].toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(nodeView);
    return { network, partitions: owners, nodes };
  }

  /** @throws PachydermError INVALID_REFERENCE */
  locate(id: string): Located {
    const partition = partitionOf(parseId(id), this.#parts.settings.partitions);
    return { partition, owner: this.#placement.holder(partition) };
  }

  /** The code of all live nodes, this one's included. */
  nodes(): readonly Hosting[] {
    const others = this.#placement.members.filter(({ id }) => id !== this.#self?.id);
    return this.#self === null ? others : [this.#self, ...others];
  }

  /** Partitions whose lease this node holds. */
  get owned(): number {
    return this.#placement.held.length;
  }

  /** Messages of this node's program that are with other nodes. */
  get away(): number {
    return this.#forwarder.pending;
  }

  handOver(run: EffectRun): Promise<Ran | null> {
    const { clock } = this.#parts;
    const self = this.#self?.id ?? null;
    return handOver(run, { placement: this.#placement, transport: this.#transport, clock, self });
  }

  advertiseHttp(host: string, port: number): void {
    const { address = null, http = null } = this.#self ?? {};
    if (address === null || http !== null) return; // told by `cluster.http`, which knows better
    const reached = isWildcard(host) ? address.slice(0, address.lastIndexOf(":")) : bracketed(host);
    this.#cluster.advertiseHttp(`${reached}:${port}`);
  }

  /** Takes nothing new from now on, and has told the others so. */
  leave(): Promise<void> {
    return this.#cluster.leave();
  }

  /** Waits for what is with other nodes. */
  drain(ms: number): Promise<void> {
    return this.#forwarder.drain(ms);
  }

  /** After `leave` and when all that was taken has been answered: gives up the leases, says good-bye, closes the door. */
  async end(): Promise<void> {
    const deadline = this.#parts.clock.monotonicMs() + LAST_WORDS_MS;
    await this.#cluster.end(deadline);
    await this.#transport.close(deadline);
    await Promise.all([this.#registry.membership.close(), this.#registry.leases.close()]);
  }
}

/** A frame has room for so many of the largest messages, or for one with its state and reply. */
const FRAME_MESSAGES = 4;

export interface Wired {
  readonly placement: Placement;
  readonly forwarder: Forwarder;
  readonly reception: Reception;
  readonly cluster: Cluster;
  readonly self: Omit<Member, "partitions" | "leaving"> | null;
}

/** What of the registry the engine needs. */
interface Registered {
  readonly membership: Membership;
  readonly leases: Leases;
}

/** All that makes a node one of many, on whatever registry and lines; nothing is begun yet. */
export function wire(parts: ClusteredParts, { membership, leases }: Registered, transport: Transport): Wired {
  const { settings, options, catalog, engine, store, clock, signals, duties } = parts;
  const { partitions, host, maxMessageBytes, meter = null } = settings;
  const { leaseMs } = options;
  const { address } = transport;
  const self = host && address !== null ? selfOf(parts, address, store.now()) : null;
  const hosts = (type: string): boolean => host && catalog.entity(type) !== undefined;
  const placement = new Placement({
    partitions,
    self: self?.id ?? null,
    hosts,
    isReachable: (member) => isReachable(transport, member),
  });
  const partitionOfId = (entity: string): number => partitionOf(entity, partitions);
  const take: Engine["take"] = (sealed, arrival, sender, shape, now) =>
    engine.take(sealed, arrival, sender, shape, now);
  const shared = { placement, clock, meter, partitionOf: partitionOfId, take };
  const forwarder = new Forwarder({ ...shared, transport, look: () => cluster.look() });
  const reception = new Reception({ ...shared, catalog, maxMessageBytes, effect: parts.runEffect });
  const keeper =
    self === null
      ? null
      : new LeaseKeeper({
          leases,
          placement,
          duties,
          clock,
          partitions,
          leaseMs,
          evict: (partition) => engine.evict(partition),
          lost: (partition) => signals.emit("lease-lost", { partition }),
        });
  const cluster = new Cluster({
    membership,
    transport,
    placement,
    keeper,
    clock,
    signals,
    leaseMs,
    self,
    onTime: (epochMs) => store.saw(epochMs),
    onDetached: () => reception.letGo(),
    onView: (askedAt) => forwarder.viewed(askedAt),
  });
  transport.onState((peer, state) => {
    placement.reconsider();
    forwarder.changed(peer, state);
  });
  return { placement, forwarder, reception, cluster, self };
}

function selfOf(
  { id, options, catalog }: ClusteredParts,
  address: string,
  since: number,
): NonNullable<Wired["self"]> {
  return {
    id,
    address,
    http: options.http,
    since,
    protocol: PROTOCOL,
    code: packageVersion,
    types: catalog.types,
    effects: catalog.effectNames,
    ...(catalog.views.length === 0 ? {} : { views: catalog.views.map(announcedAs) }),
  };
}

function nodeView({ id, address, http, since, partitions, types }: Omit<Member, "leaving">): NodeView {
  return { id, address, http, since, partitions, types };
}
