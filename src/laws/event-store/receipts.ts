// Receipts: what was handled is answered as it was, whoever asks again.

import assert from "node:assert/strict";
import type { CommitResult, EntityKey, ReceiptStep } from "../../ports/event-store.ts";
import { until } from "../until.ts";
import { type Client, commitOf, look, newKey, receipt, recordsOf, start } from "./client.ts";
import { law } from "./law.ts";

function foundOf(result: CommitResult): readonly { readonly step: number; readonly value: string }[] {
  assert.equal(result.kind, "duplicate", JSON.stringify(result));
  return result.kind === "duplicate" ? result.found : assert.fail();
}

/** Writes receipts, with no record. */
async function keep(client: Client, key: EntityKey, ...receipts: readonly ReceiptStep[]): Promise<void> {
  await client.write(commitOf(key, start, { records: [], receipts }));
}

/** Asks for receipts with a commit that would write a record. */
function ask(client: Client, key: EntityKey, ...receipts: readonly ReceiptStep[]): Promise<CommitResult> {
  return client.commit(commitOf(key, start, { receipts }));
}

export const receiptLaws = [
  law(
    "another commit's receipt of each kind makes a duplicate, with the value as it was written",
    async (client) => {
      for (const kind of ["k", "m", "t"] as const) {
        const key = newKey();
        const value = `{"outcome":"rejected","kind":"${kind}"}`;
        await keep(client, key, receipt("x", value, { kind }));
        assert.deepEqual(foundOf(await ask(client, key, look("x", kind))), [{ step: 0, value }]);
        assert.deepEqual(foundOf(await ask(client, key, receipt("x", '"new"', { kind }))), [
          { step: 0, value },
        ]);
        assert.deepEqual(
          foundOf(await ask(client, key, look("x", kind))),
          [{ step: 0, value }],
          "not overwritten",
        );
      }
    },
  ),

  law("a duplicate names all receipts that were found, by their steps", async (client) => {
    const key = newKey();
    await keep(client, key, receipt("b", '"of b"'), receipt("d", '"of d"', { kind: "m" }));
    const steps = [look("a"), look("b"), receipt("c"), look("d", "m"), look("d", "k")];
    assert.deepEqual(foundOf(await ask(client, key, ...steps)), [
      { step: 1, value: '"of b"' },
      { step: 3, value: '"of d"' },
    ]);
  }),

  law("a duplicate writes nothing: no record, and none of its receipts", async (client) => {
    const key = newKey();
    await keep(client, key, receipt("there"));
    foundOf(await ask(client, key, receipt("fresh"), look("there")));
    assert.deepEqual(await client.history(key), []);
    await client.write(commitOf(key, start, { receipts: [look("fresh")] }));
  }),

  law(
    "duplicate goes before compare: conflict, diverged and reload are not told of",
    async (client, stage) => {
      const key = newKey();
      await keep(client, key, receipt("handled"));
      const old = await client.append(key, 1);
      await client.append(key, 3, old);
      const at = (head: typeof old) => commitOf(key, head, { receipts: [look("handled")] });
      foundOf(await client.commit(at(start)));
      foundOf(await client.commit(at({ version: 9, commitId: "ahead" })));
      foundOf(await client.commit(at({ version: 4, commitId: "other" })));
      await stage.backend.trim(key, 3);
      foundOf(await client.commit(at(old)));
    },
  ),

  law("receipts of another entity, another kind or another key are not found", async (client) => {
    const key = newKey();
    await keep(client, key, receipt("key"));
    for (const step of [
      look("key", "m"),
      look("key", "t"),
      look("Key"),
      look("ke"),
      look("key "),
      look("k:key"),
    ]) {
      await client.write(commitOf(key, start, { records: [], receipts: [step] }));
    }
    await client.write(commitOf(newKey(), start, { receipts: [look("key")] }));
  }),

  law("a key may hold any text", async (client) => {
    const key = newKey();
    const texts = [
      " ",
      "a b",
      "line\nbreak",
      "{brace}",
      "}:{",
      "päckchen 🐘",
      "a:k:b",
      "*",
      "\u0000",
      "1 x ",
    ];
    await keep(client, key, ...texts.map((text) => receipt(text, JSON.stringify(text))));
    const found = foundOf(await ask(client, key, ...texts.map((text) => look(text))));
    assert.deepEqual(
      found.map(({ value }) => JSON.parse(value)),
      texts,
    );
  }),

  law("receipts that come with records are found, as those without", async (client) => {
    const key = newKey();
    const head = await client.write(
      commitOf(key, start, { receipts: [receipt("with"), receipt("m", '"m"', { kind: "m" })] }),
    );
    const again = commitOf(key, head, { receipts: [look("with"), look("m", "m")] });
    assert.equal(foundOf(await client.commit(again)).length, 2);
  }),

  law("a step that only looks writes no receipt", async (client) => {
    const key = newKey();
    const head = await client.write(commitOf(key, start, { receipts: [look("seen")] }));
    await client.write(commitOf(key, head, { receipts: [look("seen")] }));
  }),

  law("after its time a step refuses its commit, and is named; until then it does not", async (client) => {
    const key = newKey();
    const now = client.store.now();
    const inTime = look("a", "m", now + 60_000);
    await client.write(commitOf(key, start, { records: [], receipts: [inTime] }));
    for (const step of [look("b", "m", now - 60_000), receipt("b", '"b"', { notAfter: now - 60_000 })]) {
      const result = await ask(client, key, inTime, look("k"), step, look("c", "m", 1));
      assert.deepEqual(result, { kind: "late", steps: [2, 3] });
      assert.deepEqual(await client.history(key), []);
    }
    await client.write(commitOf(key, start, { receipts: [look("b"), look("b", "m")] }));
  }),

  law(
    "a message that was sent lately is looked for, if it can have been handled since: by others, or by this client",
    async (client, stage) => {
      const other = await stage.open();
      for (const handler of [other, client]) {
        for (const records of [recordsOf(1), []]) {
          const key = newKey();
          const head = await client.append(key, 1); // it knows by this how the partition stands
          const notBefore = client.store.now() + 1;
          const lately = (name: string): ReceiptStep => ({ ...look(name, "m"), notBefore });
          await until("that time has come", async () => {
            await client.append(newKey(), 1);
            return client.store.now() > notBefore + 1;
          });
          const kept = receipt("x", '"x"', { kind: "m" });
          // Its machine slept, say: until the next answer its time is far behind.
          handler.store.saw(notBefore - 60_000);
          // What the other one knows of the entity is the same, for it was told.
          const after = await handler.commit(commitOf(key, head, { records, receipts: [kept] }));
          assert.equal(after.kind, "committed");
          const late = [
            commitOf(key, head, { receipts: [lately("x")] }),
            commitOf(key, head, { records: [] }),
          ];
          const [found, bare] = await client.call(late);
          assert.deepEqual(foundOf(found ?? assert.fail()), [{ step: 0, value: '"x"' }]);
          assert.equal(bare?.kind, records.length === 0 ? "committed" : "conflict");
          const fresh = commitOf(newKey(), start, { receipts: [lately("y"), lately("z")] });
          assert.deepEqual((await client.commit(fresh)).kind, "committed");
        }
      }
    },
  ),

  law("a receipt that is found is told of, late or not; and late goes before compare", async (client) => {
    const key = newKey();
    await keep(client, key, receipt("there", '"v"', { kind: "m" }));
    assert.deepEqual(foundOf(await ask(client, key, look("there", "m", 1))), [{ step: 0, value: '"v"' }]);
    await client.append(key, 1);
    assert.deepEqual(await ask(client, key, look("other", "m", 1)), { kind: "late", steps: [0] });
  }),

  law("a commit that was written is `already`, also when its time has passed meanwhile", async (client) => {
    const key = newKey();
    const late = [receipt("x", '"x"', { kind: "m", notAfter: client.store.now() + 60_000 })];
    const commit = commitOf(key, start, { receipts: late });
    await client.write(commit);
    const again = await client.commit({ ...commit, receipts: [{ ...late[0], notAfter: 1 } as ReceiptStep] });
    assert.ok(again.kind === "committed" && again.already, JSON.stringify(again));
  }),

  law("a receipt stays, however many come after it", async (client) => {
    const key = newKey();
    const names = Array.from({ length: 4_000 }, (_, i) => `receipt ${i}`);
    const calls = Array.from({ length: 40 }, (_, i) => names.slice(i * 100, (i + 1) * 100));
    for (const some of calls) await keep(client, key, ...some.map((name) => receipt(name)));
    for (const some of calls) {
      const found = foundOf(await ask(client, key, ...some.map((name) => look(name))));
      assert.equal(found.length, some.length);
    }
  }),

  law("a receipt is there for its time at least, and is gone a little later", async (client, { backend }) => {
    const key = newKey();
    const ttlMs = 800; // it must be found until then, on a busy machine too
    const before = backend.clock.monotonicMs();
    await keep(client, key, receipt("short", '"short"', { ttlMs }), receipt("long"));
    foundOf(await ask(client, key, look("short")));
    const asksAgain = () => commitOf(key, start, { records: [], receipts: [look("short")] });
    await until("the receipt is over", async () => (await client.commit(asksAgain())).kind === "committed");
    const after = backend.clock.monotonicMs() - before;
    // Servers count whole milliseconds of their own clock.
    assert.ok(after >= ttlMs - 2, `gone after ${after} ms of ${ttlMs}`);
    foundOf(await ask(client, key, look("long")));
    await keep(client, key, receipt("short", '"anew"'));
    assert.deepEqual(foundOf(await ask(client, key, look("short"))), [{ step: 0, value: '"anew"' }]);
  }),
];
