// The entity of the fault tests. Its state depends on every event and on their order, and is small: so an answer that
// was computed on any other history than the log's shows.

import { appendFileSync } from "node:fs";
import { defineEffect, defineEntity, reject, type Views } from "../../src/index.ts";

export interface LedgerState {
  readonly count: number;
  /** Of all operations, in their order. */
  readonly digest: number;
}

export interface Add {
  readonly type: "add";
  readonly op: string;
  /** Yields the effect `note` as well. */
  readonly note?: boolean;
  /** Is rejected while the digest is odd, with what it saw: so every other state refuses it. */
  readonly picky?: boolean;
}

export interface Added {
  readonly type: "added";
  readonly op: string;
  readonly note: boolean;
}

export interface NoteConfig {
  /** A file, which gets a line for each dispatch. */
  readonly notes: string;
}

export const emptyLedger: LedgerState = { count: 0, digest: 0 };

export function foldLedger({ count, digest }: LedgerState, { op }: Pick<Added, "op">): LedgerState {
  let next = digest;
  for (let i = 0; i < op.length; i++) next = (Math.imul(next, 31) + op.charCodeAt(i)) | 0;
  return { count: count + 1, digest: next };
}

export const note = defineEffect({
  name: "note",
  dispatch({ op }: { op: string }, { notes }: NoteConfig, { version, effectId }) {
    appendFileSync(notes, `${op} ${version} ${effectId}\n`);
  },
});

export const ledger = ledgerOf("ledger", {});

/** The same under another name: what only the newer version of a program hosts. */
export const purse = ledgerOf("purse", {});

/** What can be seen of a shelf without asking it, as the code of each version has it: its rows say of which they are. */
const shelfViewsOf = (version: number) => ({
  all: {
    version,
    row: ({ count, digest }: LedgerState, { id }: { readonly id: string }) => {
      return { id, count, digest, form: version, even: digest % 2 === 0, label: `label ${digest % 7}` };
    },
    index: ["count", "digest", "even", "label"],
  },
  /** Its rows come and go. */
  odd: {
    version,
    row: ({ count, digest }: LedgerState) => (digest % 2 === 0 ? null : { count, form: version }),
    index: ["count"],
  },
});

/** The same as a ledger, with views. */
export const shelfOf = (version: number) => ledgerOf("shelf", shelfViewsOf(version));
export const shelf = shelfOf(1);
export type Shelf = typeof shelf;

function ledgerOf<const V extends Views<LedgerState>>(type: string, views: V) {
  return defineEntity({
    type,
    views,
    snapshot: { every: 20 },
    init: (): LedgerState => emptyLedger,
    handle({ op, note: noted = false, picky = false }: Add, state: LedgerState, { version }) {
      if (picky && state.digest % 2 !== 0) return reject("odd", { version, state });
      const events = [{ type: "added" as const, op, note: noted }];
      return noted ? { events, effects: [note({ op })], reply: { op } } : { events, reply: { op } };
    },
    update(event: Added, state: LedgerState) {
      return foldLedger(state, event);
    },
  });
}
