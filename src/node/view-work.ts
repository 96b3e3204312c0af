// The views of a node: what builds them, and what looks for their rows.

import type { Catalog } from "../core/catalog.ts";
import { PachydermError } from "../core/errors.ts";
import type { Reference } from "../core/reference.ts";
import type { ViewTable } from "../core/view.ts";
import type { Duties } from "../engine/duties.ts";
import type { Engine } from "../engine/engine.ts";
import type { Answer } from "../engine/envelope.ts";
import { ViewDuty } from "../engine/view-duty.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Views } from "../ports/views.ts";
import { systemClock } from "./clock.ts";
import type { Surroundings } from "./cluster-view.ts";
import { RowMaker } from "./row-maker.ts";
import { View } from "./views.ts";

export interface NodeViewsParts {
  readonly catalog: Catalog;
  readonly views: Views;
  readonly store: EventStore;
  readonly engine: Engine;
  readonly duties: Duties;
  readonly surroundings: Pick<Surroundings, "nodes">;
  readonly host: boolean;
  readonly partitions: number;
  readonly timeoutMs: number;
  readonly get: (reference: Reference) => Promise<Answer>;
  /** @throws PachydermError NODE_STOPPING */
  readonly checkRunning: () => void;
}

/** Repairs under way that nobody waits for: few, for live messages go beside them. */
const REPAIRS = 32;

export class NodeViews {
  readonly #parts: NodeViewsParts;
  readonly #duty: ViewDuty | null;
  readonly #maker: RowMaker;
  /** Entities whose rows are being repaired, and nobody waits. */
  readonly #repairing = new Set<string>();

  constructor(parts: NodeViewsParts) {
    const { catalog, views, store, duties, surroundings, host } = parts;
    this.#parts = parts;
    this.#maker = new RowMaker({ ...parts, clock: systemClock });
    this.#duty =
      host && catalog.types.length > 0
        ? new ViewDuty({
            views,
            store,
            clock: systemClock,
            definitions: catalog.definitions,
            nodes: () => surroundings.nodes(),
            repair: (reference, deadline) => this.#repair(reference, deadline),
            report: (line) => process.emitWarning(`pachyderm: ${line}`, { code: "PACHYDERM_VIEWS" }),
          })
        : null;
    if (this.#duty !== null) duties.add(this.#duty);
  }

  /** @throws PachydermError UNKNOWN_TYPE, INVALID_OPTIONS */
  view(entity: { readonly type: string; readonly viewTables?: readonly ViewTable[] }, name: string): View {
    const { catalog, views, partitions, timeoutMs, checkRunning } = this.#parts;
    const definition = catalog.entity(entity.type);
    const tables = definition?.viewTables ?? entity.viewTables;
    if (tables === undefined)
      throw new PachydermError("UNKNOWN_TYPE", `no entity of the type ${entity.type} is defined here`);
    const table = tables.find((one) => one.name === name);
    if (table === undefined) {
      const known = tables.map((one) => one.name).join(", ") || "none";
      throw new PachydermError("INVALID_OPTIONS", `${entity.type} has no view ${name} (there are: ${known})`);
    }
    const repair = (reference: Reference, deadline: number) => this.#repair(reference, deadline);
    const repairLater = (reference: Reference) => this.#repairLater(reference);
    const ways = { maker: this.#maker, repair, repairLater };
    const parts = { views, partitions, timeoutMs, clock: systemClock, checkRunning, ...ways };
    return new View(parts, definition?.type ?? entity.type, table);
  }

  async close(): Promise<void> {
    await this.#duty?.close();
  }

  /** It is an economy: whoever reads makes the row itself, as long as it is behind, and asks for this again. */
  #repairLater(reference: Reference): void {
    const { id, type } = reference;
    const isDefined = this.#parts.catalog.entity(type) !== undefined;
    if (!isDefined || this.#repairing.size >= REPAIRS || this.#repairing.has(id)) return;
    this.#repairing.add(id);
    const ended = () => this.#repairing.delete(id);
    this.#repair(reference, systemClock.monotonicMs() + this.#parts.timeoutMs).then(ended, ended);
  }

  /** By a worker of this node: a second one, where another node has the entity, is normal and harmless. */
  #repair(reference: Reference, deadline: number): Promise<unknown> {
    const sender = Promise.withResolvers<unknown>();
    try {
      this.#parts.engine.repair(reference, deadline, sender);
    } catch (thrown) {
      sender.reject(thrown);
    }
    return sender.promise;
  }
}
