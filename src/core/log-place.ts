// A place in a partition's log: an entry, the call that wrote it, and how much of the entry is done.

/** Everything before the entry is done, and of the entry what `done` says. */
export interface LogPlace {
  /** The entry's id, `<ms>-<number>`; `0-0`: before the first one. */
  readonly entry: string;
  /** The script call that wrote it: a log that was rolled back may hold another one under the same id. "" before the first one. */
  readonly callId: string;
  /** Records of the entry that are done, counted over its lines; 0: all of them. */
  readonly done: number;
}

/** Before everything. */
export const LOG_START: LogPlace = { entry: "0-0", callId: "", done: 0 };

/** Less than 0 where `a` comes before `b`, 0 where they are the same place. */
export function comparePlaces(a: LogPlace, b: LogPlace): number {
  const byEntry = compareEntries(a.entry, b.entry);
  if (byEntry !== 0) return byEntry;
  // The whole entry comes after any part of it.
  const whole = Number.MAX_SAFE_INTEGER;
  return (a.done === 0 ? whole : a.done) - (b.done === 0 ? whole : b.done);
}

/** As Redis orders the ids of a stream's entries. */
export function compareEntries(a: string, b: string): number {
  const [msA, nA] = numbersOf(a);
  const [msB, nB] = numbersOf(b);
  return msA === msB ? nA - nB : msA - msB;
}

/** Epoch ms by the store's clock, when the entry was written; not before the one before it was. */
export function entryTime(entry: string): number {
  return numbersOf(entry)[0];
}

function numbersOf(entry: string): readonly [number, number] {
  const dash = entry.indexOf("-");
  return [Number(entry.slice(0, dash)), Number(entry.slice(dash + 1))];
}

/** As it is stored: three words. */
export function formatPlace({ entry, callId, done }: LogPlace): string {
  return `${entry} ${callId} ${done}`;
}

const PLACE = /^(\d{1,15}-\d{1,15}) ([A-Za-z0-9_-]{0,64}) (0|[1-9]\d{0,14})$/;

/** Undefined if it is no place, or one that cannot be. */
export function parsePlace(text: string): LogPlace | undefined {
  const parts = PLACE.exec(text);
  if (parts === null) return undefined;
  const [, entry = "", callId = "", done = ""] = parts;
  if ((entry === "0-0") !== (callId === "") || (entry === "0-0" && done !== "0")) return undefined;
  return { entry, callId, done: Number(done) };
}
