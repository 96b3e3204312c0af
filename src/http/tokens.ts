// Who may come in: whoever has one of the node's bearer tokens (RFC 6750).

import { createHash, timingSafeEqual } from "node:crypto";
import { PachydermError } from "../core/errors.ts";

const BASIC = /^Basic +([A-Za-z0-9+/]+=*)$/i;
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

export class Tokens {
  readonly #hashes: readonly Buffer[];

  /**
   * @param tokens several while they are being changed; none: everybody may come in
   * @throws PachydermError INVALID_OPTIONS
   */
  constructor(tokens: readonly string[]) {
    for (const token of tokens) {
      if (typeof token === "string" && /^[A-Za-z0-9._~+/-]+=*$/.test(token)) continue;
      throw new PachydermError(
        "INVALID_OPTIONS",
        "a token is text of letters, digits and ._~+/-, perhaps with = at its end",
      );
    }
    this.#hashes = tokens.map(hash);
  }

  get areNeeded(): boolean {
    return this.#hashes.length > 0;
  }

  /**
   * For pages, of which a browser asks: it can send a password, and no token. Any name will do.
   * Only where nothing is done for a mere POST, for a browser also sends it for what other sites ask.
   */
  acceptPassword(authorization: string | undefined): boolean {
    const [, coded = ""] = BASIC.exec(authorization ?? "") ?? [];
    const [, password = ""] = /^[^:]*:(.*)$/.exec(Buffer.from(coded, "base64").toString()) ?? [];
    return this.accept(`Bearer ${password}`);
  }

  /**
   * Takes the same time for every token that is wrong: hashes have one length, and all are compared, so that nothing can
   * be learned of how much of a token was right, or of which one.
   */
  accept(authorization: string | undefined): boolean {
    if (!this.areNeeded) return true;
    const [, token] = BEARER.exec(authorization ?? "") ?? [];
    if (token === undefined) return false;
    const given = hash(token);
    return this.#hashes.reduce((found, one) => timingSafeEqual(one, given) || found, false);
  }
}

function hash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
