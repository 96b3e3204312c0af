// Ids that were never made before, cheaply: one is made for every message and every commit.

import { randomBytes } from "node:crypto";

/** 72 random bits once, then a counter: one in a million after 10^8 sequences. Letters, digits, `-` and `_` only. */
export class IdSequence {
  readonly #prefix = `${randomBytes(9).toString("base64url")}-`;
  #count = 0;

  next(): string {
    this.#count += 1;
    return this.#prefix + this.#count.toString(36);
  }
}
