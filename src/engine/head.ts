// What a worker remembers of its entity: the state at a version, and the commit that brought it there.

import type { AnyEntity } from "../core/entity.ts";
import type { Row } from "../core/view.ts";

/** A point of an entity's history, committed or not yet. The state is frozen. */
export interface Head {
  readonly version: number;
  /** "" at version 0. */
  readonly commitId: string;
  /** Whose entity it is; null at version 0, where any type may still claim the id. */
  readonly definition: AnyEntity | null;
  /** Meaningless at version 0: there it is the `init()` of whoever asks. */
  readonly state: unknown;
  /** Version of the newest snapshot, as far as is known; 0: none. */
  readonly snapshotVersion: number;
  /** It was destroyed: nothing can be said to it any more. Its state is null. */
  readonly destroyed: boolean;
  /** Of each view of the definition, as the commit that brought this version left them; null: not known, or no views. */
  readonly rows: readonly Row[] | null;
  /**
   * What the store's answer to the commit said; 0 as long as there is none. Not readonly: what was handled on this head
   * while it was under way is to be committed with it.
   */
  proof: number;
}

export const emptyHead: Head = {
  version: 0,
  commitId: "",
  definition: null,
  state: null,
  snapshotVersion: 0,
  proof: 0,
  destroyed: false,
  rows: null,
};
