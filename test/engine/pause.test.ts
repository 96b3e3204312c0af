// A worker that keeps losing must try on the newest state: a pause makes its memory old again.

import { expect, test } from "vitest";
import { Catalog } from "../../src/core/catalog.ts";
import { Envelope } from "../../src/engine/envelope.ts";
import { emptyHead } from "../../src/engine/head.ts";
import { open, sealMessage } from "../../src/engine/seal.ts";
import { Worker } from "../../src/engine/worker.ts";
import { defineEntity, newId } from "../../src/index.ts";

const counter = defineEntity({
  type: "counter",
  init: () => 0,
  handle: (_: { type: "count" }) => [{ type: "counted" as const }],
  update: (_: { type: "counted" }, state) => state + 1,
});

function warmWorker(): Worker {
  const catalog = new Catalog([counter], []);
  const worker = new Worker(
    { id: newId(), partition: 0 },
    {
      catalog,
      rules: { knowsEffect: () => false, durableOf: () => undefined, maxBytes: 1_000 },
      keyTtlMs: 1_000,
      lookbackMs: 1_000,
      mailbox: 10,
      nextCommitId: () => "c",
      monotonicMs: () => 0,
      now: () => 0,
      signal: () => {},
      dispatch: () => {},
      scheduled: () => {},
      snapshotted: () => {},
    },
  );
  const seal = {
    catalog,
    network: "n",
    maxMessageBytes: 1_000,
    timeoutMs: 1_000,
    longestTimeoutMs: 1_000,
    clustered: false,
  };
  const sealed = sealMessage(
    { type: "counter", id: worker.key.id },
    { type: "count" },
    undefined,
    { messageId: "m", now: 0, sentAt: 0 },
    seal,
  );
  const order = open(sealed, { attempt: 1, crossed: false }, seal);
  worker.take(
    new Envelope(
      order,
      { resolve: () => {}, reject: () => {} },
      () => undefined,
      () => {},
    ),
  );
  worker.beat();
  worker.startLoad();
  worker.ready(emptyHead);
  return worker;
}

test("after a pause come tries without one, so that some are made on the newest state", () => {
  const worker = warmWorker();
  const pauses: boolean[] = [];
  for (let version = 0; version < 12; version++) {
    worker.beat();
    worker.takeOff();
    const record = {
      version: version + 1,
      at: 0,
      commitId: `other-${version}`,
      messageId: "x",
      type: "counter",
    };
    worker.landed({ kind: "conflict", missed: [{ ...record, event: '{"type":"counted"}', reply: "" }] });
    pauses.push(worker.pause > 0);
  }
  const three = [false, false, false, true];
  expect(pauses).toEqual([...three, ...three, ...three]);
});
