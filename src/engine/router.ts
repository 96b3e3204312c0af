// What stands between seal.ts and mailbox.ts in a cluster: whether an entity is this node's, and the way to the
// node that has it. Unclustered there is none, and everything is here.

import type { Reference } from "../core/reference.ts";
import type { Sealed, Sender, Shape } from "./envelope.ts";

export interface Router {
  /** The entity's partition, where another node is to handle its messages; null: this node is. Costs no call. */
  elsewhere(reference: Reference): number | null;

  /** Sends it to the node that has the partition, and to the next one where that does not answer. Always settles. */
  forward(sealed: Sealed, partition: number, sender: Sender, shape: Shape): void;
}
