// Whether a node still takes calls: asked by each of them, and ended once.

import { PachydermError } from "../core/errors.ts";

export class Running {
  #ended = false;

  end(): void {
    this.#ended = true;
  }

  /** @throws PachydermError NODE_STOPPING */
  check(): void {
    if (this.#ended) throw new PachydermError("NODE_STOPPING", "this node is stopping, or has stopped");
  }
}
