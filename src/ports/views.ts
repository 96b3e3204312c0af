// Rows of views, for whoever looks for them. They are written by commits (event-store.ts); what is here reads them, and
// says which schemas of a view are there. Twins in memory/ and redis/, laws in laws/.
//
// A schema is built partition by partition: from `begin` on, commits write its rows or tell which are behind; whoever
// builds it writes those of all entities that there are, by commits; from `ready` on it can be read.

import type { EntityKey } from "./event-store.ts";

/** The rows of one form, of one view. */
export interface ViewKey {
  /** `<entity type>:<view>` */
  readonly table: string;
  /** The form of its rows, and its indexes (core/view.ts). */
  readonly schema: string;
}

/** Members of an index (core/view-order.ts), from the first text, inclusive, to the second, exclusive. */
export interface IndexSpan {
  readonly field: string;
  readonly from: string;
  readonly to: string;
}

export interface FindRows {
  readonly partition: number;
  readonly span: IndexSpan;
  /** From the end of the span on. */
  readonly descending: boolean;
  /** So many at most, from 1. */
  readonly limit: number;
  /** So many rows that are behind are told of at most: where there are more, that is the answer. Default 256. */
  readonly mostBehind?: number;
}

export interface CountRows {
  readonly partition: number;
  /** Null: all rows. */
  readonly span: IndexSpan | null;
  /** As of {@link FindRows}. */
  readonly mostBehind?: number;
}

/** Rows behind that a reader makes itself, in each partition, where it does not say. */
export const FEW_BEHIND = 256;

export interface FoundRow {
  readonly member: string;
  /** JSON text. */
  readonly row: string;
}

/** Why the rows cannot be told. */
export type NotReady =
  /** The schema is not there, or is being built. */
  | { readonly kind: "unbuilt" }
  /** More rows are behind than were asked for: their commits came last from code of another schema. These are some of them. */
  | { readonly kind: "behind"; readonly ids: readonly string[] };

export type NotRead =
  | { readonly kind: "unreadable"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string };

export type GotRow =
  /** JSON text; null: the entity has no row. */
  { readonly kind: "row"; readonly row: string | null } | NotReady | NotRead;

export type FoundRows =
  | {
      readonly kind: "rows";
      /** Without those that are behind. */
      readonly rows: readonly FoundRow[];
      /** There may be more in the span, beyond `end`. */
      readonly more: boolean;
      /** The last member that was looked at, whether its row is told or is behind; "" where there was none. */
      readonly end: string;
      /** All entities whose rows are behind, of the whole partition, wherever in the index. */
      readonly behind: readonly string[];
    }
  | NotReady
  | NotRead;

export type CountedRows =
  | {
      readonly kind: "count";
      /** Without those that are behind. */
      readonly count: number;
      /** All entities whose rows are behind, of the whole partition. */
      readonly behind: readonly string[];
    }
  | NotReady
  | NotRead;

/** A schema that is there. */
export interface StandingSchema extends ViewKey {
  readonly ready: boolean;
}

export type Schemas = { readonly kind: "schemas"; readonly schemas: readonly StandingSchema[] } | NotRead;

/**
 * One client of the views of a network. No call throws, and each has an answer when its `deadline` (monotonic ms) has
 * passed. All fail with `unreadable` and `unavailable`, as values.
 */
export interface Views {
  /** Guarantee: the row as the last commit left it that was answered before. */
  get(view: ViewKey, key: EntityKey, deadline: number): Promise<GotRow>;

  /**
   * Rows of some partitions, in the order of their members, byte by byte; the answers stand in the order of the requests.
   *
   * All requests of one direction, and of one `mostBehind`.
   *
   * Guarantee: each answer is one moment's view of its partition, not older than any commit that was answered before: the
   * rows that are told, and which are behind. A row is told with the member by which it is found.
   */
  find(view: ViewKey, requests: readonly FindRows[], deadline: number): Promise<readonly FoundRows[]>;

  /** How many rows there are. Guarantee: as `find`. */
  count(view: ViewKey, requests: readonly CountRows[], deadline: number): Promise<readonly CountedRows[]>;

  /** Which schemas are there in a partition, of all views. */
  schemas(partition: number, deadline: number): Promise<Schemas>;

  /**
   * The schema is there from now on; in a partition that has no entities it is ready at once. Done twice, it changes nothing.
   *
   * Guarantee: whatever is committed after the answer by code that has rows for this view, whatever their schema, either
   * writes the row of this schema or leaves it behind.
   */
  begin(partition: number, view: ViewKey, deadline: number): Promise<Schemas>;

  /** Its rows are all there: it can be read. Nothing is done where it is not there. */
  ready(partition: number, view: ViewKey, deadline: number): Promise<Schemas>;

  /** The schema, its rows and its indexes are not there any more. */
  drop(partition: number, view: ViewKey, deadline: number): Promise<Schemas>;

  /** Lets go of connections; what is under way is answered `unavailable`. */
  close(): Promise<void>;
}
