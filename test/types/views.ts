// The rows of views, and the names of their indexes, are typed: held by the compiler.

import { defineEntity, type Pachyderm } from "../../src/index.ts";

declare const node: Pachyderm;

const cart = defineEntity({
  type: "cart",
  init: () => ({ owner: "", total: 0 }),
  handle: (_: { type: "add" }) => [{ type: "added" as const }],
  update: (_: { type: "added" }, state) => ({ ...state, total: state.total + 1 }),
  views: {
    open: {
      row: ({ owner, total }, { id }) => (total === 0 ? null : { id, owner, total }),
      index: ["owner", "total"],
    },
    bare: { version: 2, row: ({ total }) => ({ total }) },
  },
});

export async function views(): Promise<void> {
  const open = node.view(cart, "open");
  const row = await open.get("");
  const total: number | undefined = row?.total;
  const { rows } = await open.find({ by: "owner", from: "ann", limit: 1 });
  const owners: readonly string[] = rows.map(({ owner }) => owner);
  // @ts-expect-error there is no such index
  await open.find({ by: "id" });
  // @ts-expect-error there is no such field
  void row?.missing;
  // @ts-expect-error it has no index
  await node.view(cart, "bare").find({ by: "total" });
  const bare: { readonly total: number } | null = await node.view(cart, "bare").get("");
  void [total, owners, bare];
}
