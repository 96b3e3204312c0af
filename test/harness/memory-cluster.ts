// A cluster in one process: the wiring of a real node on the memory twins of the log, the registry and the lines, so that
// a test can hold what it wants, where it wants.

import { Catalog } from "../../src/core/catalog.ts";
import type { AnyEntity } from "../../src/core/entity.ts";
import type { Member } from "../../src/core/member.ts";
import type { SendOptions } from "../../src/core/options.ts";
import { rank } from "../../src/core/rank.ts";
import { Duties } from "../../src/engine/duties.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { Answer } from "../../src/engine/envelope.ts";
import { Signals } from "../../src/engine/signals.ts";
import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryExchange } from "../../src/memory/exchange.ts";
import { MemoryClaims, MemoryLeases } from "../../src/memory/leases.ts";
import { MemoryMembers, MemoryMembership } from "../../src/memory/membership.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { MemoryTransport } from "../../src/memory/transport.ts";
import { systemClock } from "../../src/node/clock.ts";
import { readClusterOptions } from "../../src/node/cluster-options.ts";
import { type Wired, wire } from "../../src/node/clustered.ts";
import { readSettings } from "../../src/node/settings.ts";
import type { Listener, Parcel } from "../../src/ports/transport.ts";
import { ScriptedStore } from "./scripted-store.ts";
import { until } from "./until.ts";

export interface MemoryNodeOptions {
  readonly entities: readonly AnyEntity[];
  /** Default true. */
  readonly host?: boolean;
  readonly mailbox?: number;
}

export const PARTITIONS = 64;

/** Of each partition, who ranks first of these nodes. */
export function firsts(ids: readonly string[]): readonly (string | undefined)[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => rank(partition, ids)[0]);
}

/** What all nodes of a network share. */
export class MemoryCluster {
  readonly log = new MemoryLog(systemClock);
  readonly members = new MemoryMembers(systemClock);
  readonly claims = new MemoryClaims(systemClock);
  readonly exchange = new MemoryExchange();
  readonly nodes: MemoryNode[] = [];
  readonly leaseMs: number;

  constructor(leaseMs = 500) {
    this.leaseMs = leaseMs;
  }

  async start(id: string, options: MemoryNodeOptions): Promise<MemoryNode> {
    const node = new MemoryNode(this, id, options);
    this.nodes.push(node);
    await node.wired.cluster.start();
    node.engine.route(node.wired.forwarder);
    return node;
  }

  /** Each partition is held by the first in rank, and all know it. */
  async settled(): Promise<void> {
    await until("each partition is with the first in rank", () => {
      const hosts = this.nodes.filter(({ isMember }) => isMember);
      const held = hosts.reduce((sum, { wired }) => sum + wired.placement.held.length, 0);
      const owners = firsts(hosts.map(({ id }) => id)).join();
      return held === PARTITIONS && this.nodes.every((node) => node.owners.join() === owners);
    });
  }

  async stop(): Promise<void> {
    for (const node of this.nodes.splice(0)) await node.end();
  }
}

/** One that can be cut off. */
class CutMembership extends MemoryMembership {
  isCut = false;
  isMute = false;
  /** All that was announced, in order. */
  readonly told: Member[] = [];

  override announce(member: Member, ttlMs: number, deadline: number) {
    if (this.isCut) return Promise.resolve({ kind: "unavailable", reason: "it is cut off" } as const);
    this.told.push(member);
    return super.announce(member, ttlMs, deadline);
  }

  override nudge(): void {
    if (!this.isMute) super.nudge();
  }
}

export class MemoryNode {
  readonly id: string;
  readonly isMember: boolean;
  readonly store: ScriptedStore;
  readonly engine: Engine;
  readonly membership: CutMembership;
  readonly duties = new Duties();
  readonly signals = new Signals();
  readonly wired: Wired;
  /** Questions of other nodes that it was asked, in order. */
  readonly asked: (readonly unknown[])[] = [];
  readonly #transport: MemoryTransport;
  readonly #exchange: MemoryExchange;

  constructor(shared: MemoryCluster, id: string, options: MemoryNodeOptions) {
    const { log, members, claims, exchange, leaseMs } = shared;
    const { entities, host = true, mailbox = 1_024 } = options;
    const settings = readSettings({
      redis: "redis://nobody",
      partitions: PARTITIONS,
      host,
      mailbox,
      cluster: { leaseMs },
    });
    const clock = systemClock;
    const catalog = new Catalog(host ? entities : [], []);
    const store = new ScriptedStore(new MemoryEventStore(clock, log));
    this.id = id;
    this.isMember = host;
    this.store = store;
    const engineSettings = { ...settings, config: undefined, longestTimeoutMs: 60_000, clustered: true };
    this.engine = new Engine(engineSettings, catalog, this.store, clock, this.signals);
    const receive: Listener = (question, answer) => {
      this.asked.push(question);
      this.wired.reception.receive(question, answer);
    };
    const address = host ? `${id}:7946` : null;
    this.#exchange = exchange;
    this.#transport = new MemoryTransport(
      { id, address, exchange, heartbeatMs: 20, silentMs: 150 },
      receive,
      clock,
    );
    this.membership = new CutMembership(clock, members);
    const leases = new MemoryLeases(clock, claims, leaseMs);
    const { engine, signals, duties } = this;
    const cluster = readClusterOptions({ leaseMs });
    const parts = { id, settings, options: cluster, catalog, engine, store, clock, signals, duties };
    const runEffect = async (): Promise<Parcel> => ["not-taken", "unhosted", null]; // there are none
    this.wired = wire({ ...parts, runEffect }, { membership: this.membership, leases }, this.#transport);
  }

  /** Of each partition, as this node knows. */
  get owners(): readonly (string | null)[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => this.wired.placement.holder(partition));
  }

  send(reference: unknown, message: unknown, options?: SendOptions): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const sender = { resolve: (value: unknown) => resolve(value as Answer), reject };
    try {
      this.engine.send(reference, message, options, sender, (answer) => answer);
    } catch (thrown) {
      reject(thrown);
    }
    promise.catch(() => {}); // a test may look at it later than it fails
    return promise;
  }

  /** Nothing passes between this node and the others, and nothing is lost, until `release`. */
  hold(others: readonly MemoryNode[]): void {
    for (const { id } of others) this.#exchange.hold(this.id, id);
  }

  release(others: readonly MemoryNode[]): void {
    for (const { id } of others) this.#exchange.release(this.id, id);
  }

  /** In order, as `stop` of a node does. */
  async end(): Promise<void> {
    this.store.heal();
    await this.wired.cluster.leave();
    await Promise.all([this.engine.stop(1_000), this.wired.forwarder.drain(1_000)]);
    await this.wired.cluster.end(systemClock.monotonicMs() + 1_000);
    await this.#transport.close(systemClock.monotonicMs());
    await this.membership.close();
  }
}
