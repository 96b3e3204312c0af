// What goes over a line: JSON text of one list, with kind, number and parcel of each item in turn, so that what is said in
// one turn of the loop goes together, and is read in one go. An empty list is a sign of life. Source: RFC 8259

import type { Parcel } from "../ports/transport.ts";

export type Item =
  | { readonly kind: "question"; readonly number: number; readonly parcel: Parcel }
  | { readonly kind: "answer"; readonly number: number; readonly parcel: Parcel }
  /** The answer to the question of this number is larger than a frame may be: it will not come. */
  | { readonly kind: "too-large"; readonly number: number };

const KINDS = ["question", "answer", "too-large"] as const;
const PARTS = 3;

export const SIGN_OF_LIFE = "[]";

/** An item as it stands in a frame. A character of it is at most {@link BYTES_OF_CHARACTER} bytes. */
export function textOf(item: Item): string {
  switch (item.kind) {
    case "question":
      return `0,${item.number},${JSON.stringify(item.parcel)}`;
    case "answer":
      return `1,${item.number},${JSON.stringify(item.parcel)}`;
    case "too-large":
      return `2,${item.number},null`;
  }
}

export const BYTES_OF_CHARACTER = 3;

export function frameOf(texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}

/** Characters of a frame beside its items', and beside one for each of them. */
export const FRAME_ROUND = 1;

/** @throws Error if it is no frame of ours */
export function unpack(bytes: Buffer): readonly Item[] {
  const list: unknown = JSON.parse(bytes.toString());
  if (!Array.isArray(list) || list.length % PARTS !== 0) throw new Error("a frame is a list, by threes");
  const items: Item[] = [];
  for (let at = 0; at < list.length; at += PARTS) items.push(toItem(list, at));
  return items;
}

function toItem(list: readonly unknown[], at: number): Item {
  const kind = KINDS[list[at] as number];
  const number = list[at + 1];
  const parcel = list[at + 2];
  if (kind === undefined || typeof list[at] !== "number") throw new Error("there is no such kind of item");
  if (typeof number !== "number" || !Number.isSafeInteger(number)) throw new Error("an item has a number");
  if (kind === "too-large") return { kind, number };
  if (!Array.isArray(parcel)) throw new Error("a parcel is a list");
  return { kind, number, parcel };
}
