// A node of a cluster under test: hosts ledgers, sends when it is told to, and answers its parent over IPC. Ends when its
// parent is gone.

import { appendFileSync, existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { StartOptions } from "../../src/index.ts";
import { Load, type LoadOrder, type Told } from "../harness/load.ts";
import { readShelves } from "../harness/read-rows.ts";

export interface ClusterNodeOrder {
  readonly start: StartOptions;
  /** Names of the entity types that it hosts. */
  readonly types: readonly string[];
  /** The version of its code of shelves. */
  readonly shelves: number;
  /** Where it writes down what its slow subscription is given; null: it has none. */
  readonly slow: SlowOrder | null;
  /** By how many milliseconds this process's wall clock is wrong. */
  readonly clockOffMs: number;
}

export interface SlowOrder {
  /** A file, which gets `<id> <version>` for each event when it is handled. */
  readonly delivered: string;
  /** A file: as long as it is not there, nothing is handled in partitions of even numbers. */
  readonly gate: string;
}

/** What its parent asks; each is answered once. */
export type Ask =
  | { readonly ask: "load"; readonly order: LoadOrder }
  /** Ends the load, if there is one; all that its senders were told. */
  | { readonly ask: "finish" }
  | {
      readonly ask: "send";
      readonly type: string;
      readonly id: string;
      readonly op: string;
      readonly timeoutMs: number;
    }
  | { readonly ask: "locate"; readonly id: string; readonly times: number }
  | { readonly ask: "view" }
  | { readonly ask: "rows"; readonly ids: readonly string[] }
  | { readonly ask: "stop" };

export interface NodeView {
  /** Null: it is no member. */
  readonly id: string | null;
  readonly owned: number;
  /** Owner of each partition, as this node knows. */
  readonly owners: readonly (string | null)[];
  readonly members: readonly string[];
  /** Messages that the load has had answered. */
  readonly answered: number;
  /** Messages that it has taken, or sent elsewhere, and that have no answer yet. */
  readonly waiting: number;
  readonly signals: Readonly<Record<string, number>>;
  /** Entities of which `log-diverged` was told. */
  readonly diverged: readonly string[];
}

export type Answer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly failure: string };

const order = JSON.parse(process.argv[2] ?? "") as ClusterNodeOrder;
if (order.clockOffMs !== 0) shiftClock(order.clockOffMs);
process.on("disconnect", () => process.exit(1));

// After the clock is wrong, so that nothing has read a right one.
const { Pachyderm, PachydermError } = await import("../../src/index.ts");
const { ledger, note, purse, shelfOf } = await import("./ledger.ts");
const shelf = shelfOf(order.shelves);
const { keeper } = await import("./keeper.ts");
const entities = [ledger, purse, shelf, keeper].filter(({ type }) => order.types.includes(type));
const node = await Pachyderm.start({ ...order.start, entities, effects: [note] });
if (order.slow !== null) await subscribeSlowly(order.slow);
// The one before it at this address may have been killed, and not be forgotten yet.
const own = node
  .cluster()
  .nodes.filter(({ address }) => address === order.start.cluster?.advertise)
  .toSorted((a, b) => a.since - b.since)
  .at(-1);
const signals: Record<string, number> = {};
for (const name of ["conflict", "log-diverged", "lease-lost", "node-joined", "node-left"] as const)
  node.on(name, () => {
    signals[name] = (signals[name] ?? 0) + 1;
  });
const diverged = new Set<string>();
node.on("log-diverged", ({ reference }) => {
  if (reference !== undefined) diverged.add(reference.id);
});
let load: Load | null = null;

process.on("message", (message: Ask & { readonly number: number }) => {
  answer(message).then(
    (value) => say({ number: message.number, value }),
    (thrown: unknown) => say({ number: message.number, failure: String(thrown) }),
  );
});
say({ number: 0, value: own?.id ?? null });

function say(line: Answer): void {
  process.send?.(line);
}

async function answer(ask: Ask): Promise<unknown> {
  switch (ask.ask) {
    case "load":
      load = new Load(node, ask.order);
      return null;
    case "finish": {
      const told = (await load?.finish()) ?? [];
      load = null;
      return told;
    }
    case "send":
      return await sendOne(ask);
    case "locate":
      for (let i = 0; i < ask.times; i++) node.locate(ask.id);
      return node.locate(ask.id).owner;
    case "view":
      return viewed();
    case "rows":
      return await readShelves(node, shelf, ask.ids, 7);
    case "stop": {
      // A program that ends sends nothing new, and hears what became of what it sent.
      const told = load?.finish();
      await node.stop();
      process.send?.({ number: -1, value: (await told) ?? [] } satisfies Answer, () => process.disconnect());
      process.removeAllListeners("disconnect");
      return null;
    }
  }
}

async function sendOne({ type, id, op, timeoutMs }: Extract<Ask, { ask: "send" }>) {
  const from = performance.now();
  try {
    const { handledVersion, duplicate } = await node.send({ type, id }, { type: "add", op }, { timeoutMs });
    return { kind: "answered", handledVersion, duplicate, tookMs: performance.now() - from };
  } catch (thrown) {
    if (!(thrown instanceof PachydermError)) throw thrown;
    const { code, outcome } = thrown;
    return { kind: "failed", code, outcome, tookMs: performance.now() - from };
  }
}

async function subscribeSlowly({ delivered, gate }: SlowOrder): Promise<void> {
  await node.subscribe({
    name: "slow",
    batch: 20,
    async handle(list, { partition, signal }) {
      while (partition % 2 === 0 && !existsSync(gate)) await setTimeout(20, undefined, { signal });
      appendFileSync(delivered, list.map(({ reference: { id }, version }) => `${id} ${version}\n`).join(""));
    },
  });
}

function viewed(): NodeView {
  const { partitions, nodes } = node.cluster();
  const { waiting, partitions: owned } = node.gauges();
  return {
    id: own?.id ?? null,
    owned,
    waiting,
    owners: partitions.map(({ owner }) => owner),
    members: nodes.map(({ id }) => id),
    answered: load?.answered ?? 0,
    signals,
    diverged: [...diverged],
  };
}

/** `Date` alone: the monotonic clock is right whatever the wall clock says. */
function shiftClock(ms: number): void {
  const Right = Date;
  globalThis.Date = new Proxy(Right, {
    construct: (target, args, made) =>
      Reflect.construct(target, args.length === 0 ? [Right.now() + ms] : args, made),
    get: (target, name) => (name === "now" ? () => Right.now() + ms : Reflect.get(target, name)),
  });
}

export type { Told };
