// What a message would come to if it were handled now: decided by the engine's own functions, and nothing is written.

import type { Catalog } from "../core/catalog.ts";
import type { Event } from "../core/decision.ts";
import type { Effect } from "../core/effect.ts";
import { type Json, parseJson } from "../core/json.ts";
import type { DecisionRules } from "../core/read-decision.ts";
import { isSystemRecord } from "../core/record.ts";
import type { Answer } from "../engine/envelope.ts";
import { open, type SealRules, sealMessage } from "../engine/seal.ts";
import { takeTurn } from "../engine/turn.ts";
import type { EventStore } from "../ports/event-store.ts";
import { systemClock } from "./clock.ts";

/** What handling a message now would yield. */
export type Preview<S = unknown, E = Event> =
  | {
      readonly outcome: "handled";
      readonly events: readonly E[];
      readonly effects: readonly Effect[];
      readonly reply: Json;
      /** After the events. */
      readonly state: S;
      /** That it was computed at. */
      readonly version: number;
    }
  | { readonly outcome: "rejected"; readonly code: string; readonly detail: Json; readonly version: number };

export interface PreviewParts {
  readonly catalog: Catalog;
  readonly rules: SealRules;
  readonly store: EventStore;
  /** The entity as it is now, from wherever it lives. */
  readonly get: (reference: unknown) => Promise<Answer>;
}

/** @throws PachydermError what `send` throws before the commit, but REJECTED */
export async function preview(
  reference: unknown,
  message: unknown,
  { catalog, rules, store, get }: PreviewParts,
): Promise<Preview> {
  const stamp = { messageId: "preview", now: systemClock.monotonicMs(), sentAt: 0 };
  const sealed = sealMessage(reference, message, undefined, stamp, rules);
  const order = open(sealed, { attempt: 1, crossed: false }, rules);
  const { version, commitId, value: state } = await get(sealed.reference);
  const definition = version === 0 ? null : order.definition;
  const decisionRules: DecisionRules = {
    knowsEffect: (name) => catalog.effect(name) !== undefined,
    durableOf: () => undefined, // how an effect is tried is nothing that a decision shows
    maxBytes: rules.maxMessageBytes,
  };
  const head = {
    version,
    commitId,
    definition,
    state,
    snapshotVersion: 0,
    destroyed: false,
    rows: null,
    proof: 0,
  };
  const turn = takeTurn(order, head, store.now(), decisionRules);
  switch (turn.kind) {
    case "failed":
      throw turn.error;
    case "rejected":
      return { outcome: "rejected", code: turn.code, detail: turn.detail, version };
    case "handled": {
      const texts = turn.records.filter((text) => !isSystemRecord(text));
      const events = texts.map((text) => parseJson(text) as Json & Event);
      const { effects, reply, state: after } = turn;
      return {
        outcome: "handled",
        events,
        effects,
        reply,
        state: after,
        version,
      };
    }
  }
}
