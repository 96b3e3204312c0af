// A node of a cluster that subscribes, follows and sends, and writes down what it was given: each event as a line of a file
// that all such nodes share, appended before it is handled, so that the file has the order of the deliveries of all of them.

import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { defineEntity, Pachyderm, type StartOptions } from "../../src/index.ts";

export interface SubscriberOrder {
  readonly start: StartOptions;
  /** Gets `<id> <version>` for each event that the subscription is given. */
  readonly delivered: string;
  /** Gets `<id> <version>` for each event that was followed. */
  readonly followed: string;
  /** Whom it follows, and from which version. */
  readonly follow: readonly (readonly [id: string, from: number])[];
  /** Whom it sends to, and how many messages a second. */
  readonly ids: readonly string[];
  readonly perSecond: number;
}

export const tally = defineEntity({
  type: "tally",
  init: () => ({ count: 0 }),
  handle: (_message: { type: "add" }) => [{ type: "added" as const }],
  update: (_event: { type: "added" }, { count }) => ({ count: count + 1 }),
});

const TICK_MS = 10;

if (process.argv[2] !== undefined && process.argv[1]?.endsWith("subscriber.ts") === true) await run();

async function run(): Promise<void> {
  const order = JSON.parse(process.argv[2] ?? "") as SubscriberOrder;
  const { start, delivered, followed, follow, ids, perSecond } = order;
  const node = await Pachyderm.start({ ...start, entities: [tally] });
  const write = (
    list: readonly { readonly reference: { readonly id: string }; readonly version: number }[],
  ): void =>
    appendFileSync(delivered, list.map(({ reference: { id }, version }) => `${id} ${version}\n`).join(""));
  await node.subscribe({ name: "all", batch: 50, handle: write });
  await node.subscribe({
    name: "counts",
    async handle({ reference: { id } }, { row }) {
      const before = (await row(id)) as { count: number } | null;
      return { rows: { [id]: { count: (before?.count ?? 0) + 1 } } };
    },
  });
  const following = follow.map(async ([id, from]) => {
    for await (const { version } of node.follow(tally.ref(id), { from }))
      appendFileSync(followed, `${id} ${version}\n`);
  });
  let sent = 0;
  const began = performance.now();
  const sending = setInterval(() => {
    const due = Math.floor(((performance.now() - began) * perSecond) / 1_000);
    for (; sent < due && ids.length > 0; sent++) {
      const id = ids[Math.floor(Math.random() * ids.length)] ?? "";
      node.send(tally.ref(id), { type: "add" }, { answer: "none" }).catch(() => {}); // the log tells what became of it
    }
  }, TICK_MS);
  console.log("started");
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "quiet") clearInterval(sending);
    if (line === "stop") break;
  }
  clearInterval(sending);
  process.stdin.destroy();
  await node.stop();
  await Promise.all(following);
  console.log("stopped");
}
