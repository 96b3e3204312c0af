// What goes over a line, as bytes: MessagePack of a list of items, so that what is said in one turn of the loop goes
// together. An empty list is a sign of life. Source: https://github.com/msgpack/msgpack/blob/master/spec.md

import { Packr } from "msgpackr";
import type { Parcel } from "../ports/transport.ts";

export type Item =
  | { readonly kind: "question"; readonly number: number; readonly parcel: Parcel }
  | { readonly kind: "answer"; readonly number: number; readonly parcel: Parcel }
  /** The answer to the question of this number is larger than a frame may be: it will not come. */
  | { readonly kind: "too-large"; readonly number: number };

const KINDS = ["question", "answer", "too-large"] as const;

// Records would make the meaning of a frame depend on those before it.
const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });

export const SIGN_OF_LIFE: Buffer = packr.pack([]);

export function pack(items: readonly Item[]): Buffer {
  return packr.pack(items.map(toList));
}

function toList(item: Item): readonly unknown[] {
  const kind = KINDS.indexOf(item.kind);
  return item.kind === "too-large" ? [kind, item.number] : [kind, item.number, item.parcel];
}

/** Characters that an item has at least, without packing it. */
export function sizeOf(item: Item): number {
  let size = 16;
  if (item.kind !== "too-large")
    for (const part of item.parcel) size += typeof part === "string" ? part.length + 5 : 9;
  return size;
}

/** A character is at most so many bytes. */
export const BYTES_OF_CHARACTER = 3;

/** @throws Error if it is no frame of ours */
export function unpack(bytes: Uint8Array): readonly Item[] {
  const list: unknown = packr.unpack(bytes);
  if (!Array.isArray(list)) throw new Error("a frame is a list");
  return list.map(toItem);
}

function toItem(list: unknown): Item {
  if (!Array.isArray(list)) throw new Error("an item is a list");
  const [place, number, parcel] = list as readonly unknown[];
  const kind = typeof place === "number" ? KINDS[place] : undefined;
  if (kind === undefined) throw new Error("there is no such kind of item");
  if (!Number.isSafeInteger(number)) throw new Error("an item has a number");
  if (kind === "too-large") return { kind, number: number as number };
  if (!isParcel(parcel)) throw new Error("a parcel is a list of texts, finite numbers, flags and nulls");
  return { kind, number: number as number, parcel };
}

function isParcel(value: unknown): value is Parcel {
  return Array.isArray(value) && value.every(isPart);
}

function isPart(value: unknown): boolean {
  return value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}
