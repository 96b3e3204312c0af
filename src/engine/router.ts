// What stands between seal.ts and mailbox.ts in a cluster: whether an entity is this node's, and the way to the
// node that has it. Unclustered there is none, and everything is here.

import type { Reference } from "../core/reference.ts";
import type { Sealed, Sender, Shape } from "./envelope.ts";

export interface Router {
  /** Whether this node is to handle the entity's messages. Costs no call. */
  isHere(reference: Reference): boolean;

  /** Sends it to the node that has the entity, and to the next one where that does not answer. Always settles. */
  forward(sealed: Sealed, sender: Sender, shape: Shape): void;
}
