// What send and get refuse at compile time, and what their answers hold. Compiled by tsc, never run.

import { type Json, newId, type Pachyderm } from "../../src/index.ts";
import { counter } from "./definitions.ts";
import { type Equal, hold } from "./hold.ts";

export async function sending(pachyderm: Pachyderm): Promise<void> {
  const one = counter.ref(newId());

  const sent = await pachyderm.send(one, { type: "increment", amount: 2 }, { config: {} });
  hold<Equal<typeof sent.state, { count: number }>>();
  hold<Equal<typeof sent.version, number>>();
  hold<Equal<typeof sent.reply, Json>>();
  hold<Equal<typeof sent.duplicate, boolean>>();
  // @ts-expect-error another message
  await pachyderm.send(one, { type: "decrement" });
  // @ts-expect-error a part of another type
  await pachyderm.send(one, { type: "increment", amount: "2" });
  // @ts-expect-error there is no such option
  await pachyderm.send(one, { type: "increment" }, { timeout: 1 });

  const none = await pachyderm.send(one, { type: "increment" }, { answer: "none" });
  // @ts-expect-error the state was left out
  none.state;
  const doubled = await pachyderm.send(one, { type: "increment" }, { answer: "double" });
  hold<Equal<typeof doubled.result, number>>();
  // @ts-expect-error there is no such query
  await pachyderm.send(one, { type: "increment" }, { answer: "triple" });

  const got = await pachyderm.get(one);
  hold<Equal<typeof got.state, { count: number }>>();
  const above = await pachyderm.get(one, "above", 3);
  hold<Equal<typeof above.result, boolean>>();
  // @ts-expect-error there is no such query
  await pachyderm.get(one, "triple");
  // @ts-expect-error the query takes a number
  await pachyderm.get(one, "above", "3");
  const local = await pachyderm.get(one, (state) => `${state.count}`);
  hold<Equal<typeof local.result, string>>();
  // @ts-expect-error the state has no such part
  await pachyderm.get(one, (state) => state.total);

  // Of a plain reference nothing is known: any message with a type goes, and is checked at run time.
  const anything = await pachyderm.send({ type: "counter", id: newId() }, { type: "whatever", n: 1 });
  hold<Equal<typeof anything.state, unknown>>();
  // @ts-expect-error a message has a type
  await pachyderm.send({ type: "counter", id: newId() }, { n: 1 });

  // @ts-expect-error there is no such signal
  pachyderm.on("effect-worked", () => {});
  pachyderm.on("effect-failed", ({ effect }) => hold<Equal<typeof effect, string>>());
}
