// The entity of the walk: it keeps the tags of what it was sent, so that a log tells what was handled, and how often.

import { type Decision, defineEffect, defineEntity, reject } from "../../src/index.ts";

export const kinds = ["add", "add-two", "reject", "nothing", "effect", "add-effect", "throw"] as const;

export interface JournalMessage {
  readonly type: (typeof kinds)[number];
  /** Unlike that of any other message, except those with the same key. */
  readonly tag: number;
}

export interface JournalState {
  readonly tags: readonly number[];
}

interface Added {
  readonly type: "added";
  readonly tag: number;
}

export interface Told {
  readonly tag: number;
  readonly messageId: string;
}

/** An effect and an entity of one walk: what is dispatched is pushed to `told`. */
export function makeJournal(told: (Told & { effectId: string })[]) {
  const tell = defineEffect({
    name: "tell",
    dispatch: (payload: Told, _config: unknown, { effectId }) => void told.push({ ...payload, effectId }),
  });
  const journal = defineEntity({
    type: "journal",
    init: (): JournalState => ({ tags: [] }),
    handle({ type, tag }: JournalMessage, { tags }, { messageId, version }): Decision<Added> {
      const added: Added = { type: "added", tag };
      const effects = [tell({ tag, messageId })];
      switch (type) {
        case "add":
          return { events: [added], reply: tag };
        case "add-two":
          return [added, { ...added, tag: -tag }];
        case "reject":
          return reject("no", { version, count: tags.length });
        case "nothing":
          return { reply: tags.length };
        case "effect":
          return { effects };
        case "add-effect":
          return { events: [added], effects };
        case "throw":
          throw new Error("as it was told to");
      }
    },
    update: ({ tag }: Added, { tags }) => ({ tags: [...tags, tag] }),
    snapshot: { every: 4 },
  });
  return { journal, tell };
}
