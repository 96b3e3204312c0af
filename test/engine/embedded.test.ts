// The embedded log is a guest in the program's event loop.

import { expect, test } from "vitest";
import { newId, Pachyderm } from "../../src/index.ts";
import { ledger, notify } from "../harness/ledger.ts";

test("a program that sends for ever on the embedded log still gets its timers", async () => {
  await using pachyderm = await Pachyderm.start({ entities: [ledger], effects: [notify] });
  const one = ledger.ref(newId());
  let rang = false;
  setTimeout(() => {
    rang = true;
  }, 5);
  let sends = 0;
  for (; !rang && sends < 200_000; sends++) await pachyderm.send(one, { type: "nothing" });
  expect(rang).toBe(true);
});
