// The cursor of a subscription: a place in the log of every partition. Opaque text, as the cursor of one place is.

import { PachydermError } from "./errors.ts";
import { formatPlace, LOG_START, type LogPlace, parsePlace } from "./log-place.ts";

const CURSOR = /^p1l\.([a-z0-9-]{1,40})\.([A-Za-z0-9_~.-]{0,262144})$/;

/** @param places of all partitions, in order */
export function logCursorOf(network: string, places: readonly LogPlace[]): string {
  const texts = places.map((place) => (place.entry === "0-0" ? "" : formatPlace(place).replaceAll(" ", "~")));
  return `p1l.${network}.${texts.join(".")}`;
}

/** Whether it is a subscription's cursor, sound or not, and not one that names a single place. */
export function isLogCursor(cursor: unknown): boolean {
  return typeof cursor === "string" && cursor.startsWith("p1l.");
}

/** @throws PachydermError INVALID_CURSOR */
export function parseLogCursor(network: string, partitions: number, cursor: unknown): readonly LogPlace[] {
  const parts = typeof cursor === "string" ? CURSOR.exec(cursor) : null;
  if (parts === null)
    throw invalid("this is not a cursor of a subscription: take one from `cursor()`, as it is");
  const [, of = "", list = ""] = parts;
  if (of !== network) throw invalid(`the cursor is of the network ${of}; this is ${network}`);
  const places = list
    .split(".")
    .map((text) => (text === "" ? LOG_START : parsePlace(text.replaceAll("~", " "))));
  const sound = places.filter((place) => place !== undefined);
  if (sound.length !== partitions || places.length !== partitions)
    throw invalid("the cursor does not name a place in each partition");
  return sound;
}

function invalid(message: string): PachydermError {
  return new PachydermError("INVALID_CURSOR", message);
}
