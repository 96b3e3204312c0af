// What a node tells of its cluster: who is there, and who owns what.

import type { EffectRun } from "../engine/durable-effects.ts";
import type { Hosting } from "../engine/view-plan.ts";
import type { Ran } from "../ports/jobs.ts";

/** The nodes of a network, and the owner of each partition, as far as this node knows. */
export interface ClusterView {
  readonly network: string;
  /** All of them, in order. */
  readonly partitions: readonly Located[];
  readonly nodes: readonly NodeView[];
}

/** A partition and the id of the node that owns it; null while nobody does. */
export interface Located {
  readonly partition: number;
  readonly owner: string | null;
}

/** A live node. */
export interface NodeView {
  /** Made anew at each start. */
  readonly id: string;
  /** `host:port` for frames of other nodes; null: it takes none. */
  readonly address: string | null;
  /** `host:port` of its HTTP door; null: none is known. */
  readonly http: string | null;
  /** Epoch milliseconds by the store's clock, when it came. */
  readonly since: number;
  /** That it owns. */
  readonly partitions: readonly number[];
  /** Entity types that it hosts, earlier names included. */
  readonly types: readonly string[];
}

/** What a node is among: other nodes, or nobody. */
export interface Surroundings {
  view(): ClusterView;
  /** @throws PachydermError INVALID_REFERENCE */
  locate(id: string): Located;
  /** The code of all live nodes that host something. */
  nodes(): readonly Hosting[];
  /** Partitions that are this node's. */
  readonly owned: number;
  /** Messages of this node's program that are with other nodes. */
  readonly away: number;
  /** Has another node run an effect that this one does not define; null: there is none that takes it. */
  handOver(run: EffectRun): Promise<Ran | null>;
  /** The HTTP door is open there: told to whoever asks for the cluster, unless `cluster.http` says another address. */
  advertiseHttp(host: string, port: number): void;
  /** Takes nothing new from now on, and has told the others so. */
  leave(): Promise<void>;
  /** Waits for what is away, for so many milliseconds at most. */
  drain(ms: number): Promise<void>;
  /** After `leave`, when all that was taken has been answered. */
  end(): Promise<void>;
}

/** How much there is in a node at this moment. */
export interface Gauges {
  /** Entities in memory. */
  readonly resident: number;
  /** Messages taken and not answered yet. */
  readonly waiting: number;
  /** Partitions that it owns. */
  readonly partitions: number;
  /** Who follows an entity through it. */
  readonly followers: number;
  /** Partitions of whose log it reads the end for them. */
  readonly logReaders: number;
}
