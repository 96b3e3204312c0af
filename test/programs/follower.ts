// An embedded node in a program that waits for nothing but what it follows, and for its subscription: what it has sent
// itself must reach both before the program ends.

import { newId, Pachyderm } from "../../src/index.ts";
import { ledger } from "./ledger.ts";

const node = await Pachyderm.start({ entities: [ledger] });
const reference = ledger.ref(newId());
const followed = node.follow(reference);
const handled: number[] = [];
const subscription = await node.subscribe({
  name: "all",
  handle: ({ version }) => void handled.push(version),
});
for (let i = 0; i < 5; i += 1) {
  const next = followed.next();
  await node.send(reference, { type: "add", op: `op:${i}` });
  console.log(`followed ${(await next).value?.version}`);
}
await subscription.waitFor((await node.get(reference)).cursor);
console.log(`handled ${handled.join(" ")}`);
await node.stop();
