// What PACHYDERM_ENTITIES may name: a module of definitions. One of its messages does what no handler should.

import { defineEffect, defineEntity, reject } from "pachyderm";

/** Never ends, whoever asks it to. */
export const stuck = defineEffect({
  name: "stuck",
  dispatch: () => Promise.withResolvers<void>().promise,
});

interface NoteMessage {
  readonly type: "note" | "refuse" | "break" | "stick";
  readonly text: string;
}

export const notebook = defineEntity({
  type: "notebook",
  init: () => ({ notes: [] as readonly string[] }),
  handle({ type, text }: NoteMessage) {
    if (type === "refuse") return reject("refused", { text });
    if (type === "break") {
      setTimeout(() => {
        throw new Error("nobody catches this");
      });
    }
    const events = [{ type: "noted" as const, text }];
    return type === "stick" ? { events, effects: [stuck({})] } : events;
  },
  update: ({ text }: { readonly type: "noted"; readonly text: string }, { notes }) => ({
    notes: [...notes, text],
  }),
});
