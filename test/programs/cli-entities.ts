// Entities for tests of the command line: what `--entities` names.

import { defineEntity, reject, schedule } from "pachyderm";

type Message = { readonly type: string; readonly n?: number };
type Added = { readonly type: "added"; readonly n: number };

export const tally = defineEntity({
  type: "tally",
  init: () => ({ sum: 0 }),
  handle({ type, n = 1 }: Message) {
    switch (type) {
      case "add":
        return { events: [{ type: "added" as const, n }], reply: { added: n } };
      case "remind":
        return { effects: [schedule({ name: "reminder", every: "1h", message: { type: "add" } })] };
      case "fill":
        return Array.from({ length: n }, () => ({ type: "added" as const, n: 1 }));
      case "throw":
        throw new Error("the handler broke");
      default:
        return reject("not-understood", { type });
    }
  },
  update: ({ n }: Added, { sum }) => ({ sum: sum + n }),
  queries: { above: ({ sum }, { least }: { readonly least: number }) => sum > least },
});
