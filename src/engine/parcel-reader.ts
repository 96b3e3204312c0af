// Takes a parcel apart, part by part in order, and refuses what is not of the form that stands there.

import { adoptJson, type Json } from "../core/json.ts";
import type { Parcel } from "../ports/transport.ts";
import type { Sealed } from "./envelope.ts";
import { isKey } from "./read-options.ts";

/** It stands in the records, between spaces. */
export const ID = /^[A-Za-z0-9_-]{1,64}$/;
export const NO_ID = /^$/;

export class ParcelReader {
  readonly #parcel: Parcel;
  #at = 0;

  constructor(parcel: Parcel) {
    this.#parcel = parcel;
  }

  /** @throws Error if nothing is left, as all that follow */
  next(): Json {
    const value = this.#parcel[this.#at];
    if (value === undefined) throw new Error(`part ${this.#at} is missing`);
    this.#at += 1;
    return value;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#parcel.length;
  }

  text(): string {
    const value = this.next();
    return typeof value === "string" ? value : this.#refuse("text");
  }

  textOrNull(): string | null {
    const value = this.next();
    return value === null || typeof value === "string" ? value : this.#refuse("text or null");
  }

  number(): number {
    const value = this.next();
    return typeof value === "number" && Number.isFinite(value) ? value : this.#refuse("a number");
  }

  /** A whole number from 0 on. */
  count(): number {
    const value = this.next();
    return isCount(value) ? value : this.#refuse("a whole number");
  }

  countOrNull(): number | null {
    const value = this.next();
    return value === null || isCount(value) ? value : this.#refuse("a whole number or null");
  }

  match(form: RegExp): string {
    const text = this.text();
    return form.test(text) ? text : this.#refuse(`of the form ${form.source}`);
  }

  flag(): boolean {
    const value = this.next();
    return typeof value === "boolean" ? value : this.#refuse("true or false");
  }

  listOrNull(): Parcel | null {
    const value = this.next();
    return value === null || Array.isArray(value) ? value : this.#refuse("a list or null");
  }

  /** A caller's key stands in the name of a key of Redis: what a sender checks, its receiver checks too. */
  key(): string | null {
    const text = this.textOrNull();
    return text === null || isKey(text) ? text : this.#refuse("a key");
  }

  answer(): Sealed["answer"] {
    const text = this.text();
    if (text === "state" || text === "none") return text;
    return text.startsWith("?") ? { query: text.slice(1) } : this.#refuse("what an answer can be");
  }

  /** What a sender gave along, in a list of its own (so that a null is told from nothing): bounded as it was there. */
  given(maxBytes: number): Json | undefined {
    const list = this.listOrNull();
    if (list === null) return undefined;
    return list.length === 1 ? adoptJson(list[0], maxBytes) : this.#refuse("a list of one");
  }

  #refuse(what: string): never {
    throw new Error(`part ${this.#at - 1} is not ${what}`);
  }
}

function isCount(value: Json): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
