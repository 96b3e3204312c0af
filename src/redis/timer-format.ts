// The text of a timer as it stands in its entity's hash, and back. Golden files in test/golden hold every form ever
// written: "1 <generation> <due> <every> <tries> <entity type>\n<message>", and "\n<error>" of a parked one.

import type { NewTimer } from "../ports/event-store.ts";
import type { StoredTimer } from "../ports/timers.ts";

/** @param type the entity's */
export function formatTimer({ generation, dueAt, everyMs, message }: NewTimer, type: string): string {
  return `1 ${markOf(generation, dueAt)}${everyMs ?? 0} 0 ${type}\n${message}`;
}

/** What follows "1 " in the text of a timer for as long as it is this one, with this due time. */
export function markOf(generation: string, dueAt: number): string {
  return `${generation} ${dueAt} `;
}

const FORM = /^1 ([A-Za-z0-9_-]+) (\d+) (\d+) (\d+) ([A-Za-z0-9_.-]{1,64})\n([^\n]+)(?:\n([^\n]*))?$/;

/** Undefined if the text is no timer of ours. */
export function parseTimer(name: string, text: string): StoredTimer | undefined {
  const [, generation, dueAt, every, tries, type, message, parked] = FORM.exec(text) ?? [];
  if (generation === undefined || type === undefined || message === undefined) return undefined;
  const everyMs = Number(every) === 0 ? null : Number(every);
  return {
    name,
    generation,
    dueAt: Number(dueAt),
    everyMs,
    tries: Number(tries),
    type,
    message,
    parked: parked ?? null,
  };
}

/** An error in one line, of a length that does no harm. */
export function formatError(reason: string): string {
  return reason.replaceAll(/\s+/g, " ").slice(0, LONGEST_ERROR);
}

const LONGEST_ERROR = 500;
