// An opaque text that names a place in the log and the commit there.

import { PachydermError } from "./errors.ts";

/** Opaque: hand it back as it is. */
export type Cursor = string;

/** One place: an entity's version, and the id of the commit there ("" at version 0). */
export interface Place {
  readonly id: string;
  readonly version: number;
  readonly commitId: string;
}

/** What all cursors of a network begin with. */
export function cursorPrefix(network: string): string {
  return `p1.${network}.`;
}

/** Joined text and no more: one is made for every send. No character of it needs escaping in a header or URL. */
export function cursorOf(prefix: string, id: string, version: number, commitId: string): Cursor {
  return `${prefix}${id}.${version}.${commitId}`;
}

const CURSOR = /^p1\.([a-z0-9-]{1,40})\.([0-9a-f-]{36})\.(0|[1-9][0-9]{0,14})\.([A-Za-z0-9_-]{0,64})$/;

/** @throws PachydermError INVALID_CURSOR */
export function parseCursor(network: string, cursor: unknown): Place {
  const parts = typeof cursor === "string" ? CURSOR.exec(cursor) : null;
  if (parts === null) throw invalid("this is not a cursor: take one from an answer, as it is");
  const [, of = "", id = "", version = "", commitId = ""] = parts;
  if (of !== network) throw invalid(`the cursor is of the network ${of}; this is ${network}`);
  if ((version === "0") !== (commitId === "")) throw invalid("the cursor names a place that cannot be");
  return { id, version: Number(version), commitId };
}

function invalid(message: string): PachydermError {
  return new PachydermError("INVALID_CURSOR", message);
}
