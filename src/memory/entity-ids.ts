// The entities that have records, by partition, in the order of their ids.

import type { EntityKey, ListedEntity } from "../ports/event-store.ts";

export class EntityIds {
  readonly #types = new Map<number, Map<string, string>>();
  /** Made when it is asked for, and thrown away when something came or went. */
  readonly #sorted = new Map<number, readonly ListedEntity[]>();

  add({ id, partition }: EntityKey, type: string): void {
    const types = this.#types.get(partition);
    if (types === undefined) this.#types.set(partition, new Map([[id, type]]));
    else types.set(id, type);
    this.#sorted.delete(partition);
  }

  remove({ id, partition }: EntityKey): void {
    this.#types.get(partition)?.delete(id);
    this.#sorted.delete(partition);
  }

  page(partition: number, after: string, limit: number): readonly ListedEntity[] {
    const all = this.#sorted.get(partition) ?? this.#sort(partition);
    const from = all.findIndex(({ id }) => id > after);
    return from < 0 ? [] : all.slice(from, from + limit);
  }

  #sort(partition: number): readonly ListedEntity[] {
    const types = this.#types.get(partition) ?? new Map<string, string>();
    const sorted = [...types].map(([id, type]) => ({ id, type })).sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#sorted.set(partition, sorted);
    return sorted;
  }
}
