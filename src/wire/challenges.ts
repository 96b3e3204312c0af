// The nonces that a door gives out. It remembers none that it gave, for anybody may ask for as many as they like: a nonce
// carries its end and a seal of this door's. It remembers those that were used, and only who knows the secret can use one.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Hello } from "./handshake.ts";

export class Challenges {
  readonly #key = randomBytes(32);
  readonly #lifeMs: number;
  /** Until when each would have been good, monotonic ms. */
  readonly #used = new Map<string, number>();

  /** @param lifeMs milliseconds that one is good */
  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  /** @param now monotonic ms */
  give(hello: Hello, now: number): string {
    const head = `${Math.ceil(now + this.#lifeMs).toString(36)}.${randomBytes(16).toString("base64url")}`;
    return `${head}.${this.#seal(head, hello)}`;
  }

  /** Whether it is one of this door's, given to this asker, still good, and not used yet. */
  isGood(nonce: string, hello: Hello, now: number): boolean {
    const [until = "", random = "", seal = ""] = nonce.split(".");
    const expected = Buffer.from(this.#seal(`${until}.${random}`, hello));
    const given = Buffer.from(seal);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return false;
    return (
      nonce === `${until}.${random}.${seal}` && Number.parseInt(until, 36) > now && !this.#used.has(nonce)
    );
  }

  use(nonce: string, now: number): void {
    this.#used.set(nonce, now + this.#lifeMs + 1);
  }

  /** Forgets what is not good any more anyway. */
  forget(now: number): void {
    for (const [nonce, until] of this.#used) if (until <= now) this.#used.delete(nonce);
  }

  #seal(head: string, { id, to }: Hello): string {
    return createHmac("sha256", this.#key).update(`${head}\n${id}\n${to}`).digest("base64url");
  }
}
