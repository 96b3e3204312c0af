// A node of a cluster that subscribes, follows and sends, and writes down what it was given: each event as a line of a file
// that all such nodes share, appended before it is handled, so that the file has the order of the deliveries of all of them.
//
// It is told, by lines: `hold <n>`, to stay in the next batch that it is given, which it tells by `held <n> <partition>`, and
// `free <n>`, to be done with it, told by `freed <n>`; `quiet`, to send no more, told when all that it sent is answered; `stop`.

import { appendFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import { defineEntity, Pachyderm, type StartOptions } from "../../src/index.ts";

export interface SubscriberOrder {
  readonly start: StartOptions;
  /** Gets `<id> <version>` for each event that the subscription is given. */
  readonly delivered: string;
  /** Gets `<id> <version>` for each event that was followed. */
  readonly followed: string;
  /** Whom it follows, and from which version. */
  readonly follow: readonly (readonly [id: string, from: number])[];
  /** Whom it sends to, and how many events a second are to come of it. */
  readonly ids: readonly string[];
  readonly perSecond: number;
}

export const tally = defineEntity({
  type: "tally",
  init: () => ({ count: 0 }),
  /** As many events as it says. */
  handle: ({ n }: { type: "add"; n: number }, { count }) =>
    Array.from({ length: n }, (_, i) => ({ type: "added" as const, n: count + i })),
  update: (_event: { type: "added"; n: number }, { count }) => ({ count: count + 1 }),
});

/** A row of the projection `counts`. */
export type Count = Readonly<Record<"count" | "sum", number>>;

/** What an event makes of its entity's row: an event that is left out, given twice or out of order is seen in the sum. */
export function counted(before: Count | null, event: { readonly n: number }): Count {
  const { count, sum } = before ?? { count: 0, sum: 7 };
  return { count: count + 1, sum: (sum * 31 + event.n) % 1_000_003 };
}

const TICK_MS = 10;
/** Events of one message, in turn. */
const SIZES = [1, 2, 1, 4, 3, 1, 4] as const;

class Hold {
  #order = "";
  #freed = Promise.withResolvers<void>();

  next(order: string): void {
    this.#order = order;
    this.#freed = Promise.withResolvers();
  }

  /** Whether it stays somewhere already, or not yet. */
  free(): void {
    this.#order = "";
    this.#freed.resolve();
  }

  /** Where it is told to stay: stays until it is freed. */
  async pass(partition: number): Promise<void> {
    const order = this.#order;
    if (order === "") return;
    this.#order = "";
    console.log(`held ${order} ${partition}`);
    await this.#freed.promise;
    console.log(`freed ${order}`);
  }
}

if (process.argv[2] !== undefined && process.argv[1]?.endsWith("subscriber.ts") === true) await run();

async function run(): Promise<void> {
  const order = JSON.parse(process.argv[2] ?? "") as SubscriberOrder;
  const { start, delivered, followed, follow, ids, perSecond } = order;
  const node = await Pachyderm.start({ ...start, entities: [tally] });
  const hold = new Hold();
  await node.subscribe({
    name: "all",
    batch: 50,
    async handle(list, { partition }) {
      await setImmediate(); // what is sent meanwhile, a move too early, say, is sent
      appendFileSync(delivered, list.map(({ reference: { id }, version }) => `${id} ${version}\n`).join(""));
      await hold.pass(partition);
    },
  });
  await node.subscribe({
    name: "counts",
    entities: [tally],
    async handle({ reference: { id }, event }, { row }) {
      const before = (await row(id)) as Count | null;
      return { rows: { [id]: counted(before, event as { type: "added"; n: number }) } };
    },
  });
  const following = follow.map(async ([id, from]) => {
    for await (const { version } of node.follow(tally.ref(id), { from }))
      appendFileSync(followed, `${id} ${version}\n`);
  });
  const sending = new Set<Promise<unknown>>();
  let messages = 0;
  let events = 0;
  const began = performance.now();
  const ticking = setInterval(() => {
    const due = Math.floor(((performance.now() - began) * perSecond) / 1_000);
    while (events < due && ids.length > 0) {
      const id = ids[Math.floor(Math.random() * ids.length)] ?? "";
      const n = SIZES[messages++ % SIZES.length] ?? 1;
      events += n;
      // The log tells what became of it.
      const sent = node.send(tally.ref(id), { type: "add", n }, { answer: "none" }).catch(() => {});
      sending.add(sent);
      void sent.then(() => sending.delete(sent));
    }
  }, TICK_MS);
  console.log("started");
  flushCompileCache(); // for the next one: whoever is killed does not come to it
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, number = ""] = line.split(" ");
    if (word === "hold") hold.next(number);
    if (word === "free") hold.free();
    if (word === "stop") break;
    if (word !== "quiet") continue;
    clearInterval(ticking);
    await Promise.all(sending);
    console.log("quiet");
  }
  clearInterval(ticking);
  process.stdin.destroy();
  await node.stop();
  await Promise.all(following);
  console.log("stopped");
}
