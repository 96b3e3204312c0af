// A node that is not clustered, as a cluster of one: it owns everything, and knows of nobody else.

import { partitionOf } from "../core/partition.ts";
import { parseId } from "../core/reference.ts";
import type { Duties } from "../engine/duties.ts";
import type { Hosting } from "../engine/view-plan.ts";
import type { ClusterView, Located, Surroundings } from "./cluster-view.ts";
import { bracketed, isWildcard } from "./host.ts";

export interface AloneParts {
  readonly id: string;
  readonly network: string;
  readonly partitions: number;
  /** Epoch ms by the store's clock, when it started. */
  readonly since: number;
  readonly types: readonly string[];
  /** Schemas of views, see {@link Hosting}. */
  readonly views: readonly string[];
  /** What is at work in all partitions from now on. */
  readonly duties: Duties;
}

export class Alone implements Surroundings {
  readonly #parts: AloneParts;
  #http: string | null = null;

  constructor(parts: AloneParts) {
    this.#parts = parts;
    for (let partition = 0; partition < parts.partitions; partition++) parts.duties.begin(partition);
  }

  view(): ClusterView {
    const { id, network, since, types } = this.#parts;
    const partitions = Array.from({ length: this.#parts.partitions }, (_, partition) => partition);
    return {
      network,
      partitions: partitions.map((partition) => ({ partition, owner: id })),
      nodes: [{ id, address: null, http: this.#http, since, partitions, types }],
    };
  }

  /** @throws PachydermError INVALID_REFERENCE */
  locate(id: string): Located {
    return { partition: partitionOf(parseId(id), this.#parts.partitions), owner: this.#parts.id };
  }

  nodes(): readonly Hosting[] {
    return [this.#parts];
  }

  get owned(): number {
    return this.#parts.partitions;
  }

  get away(): number {
    return 0;
  }

  async handOver(): Promise<null> {
    return null;
  }

  advertiseHttp(host: string, port: number): void {
    this.#http = `${bracketed(isWildcard(host) ? "127.0.0.1" : host)}:${port}`;
  }

  async leave(): Promise<void> {}

  async drain(): Promise<void> {}

  async end(): Promise<void> {}
}
