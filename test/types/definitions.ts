// What a definition refuses at compile time, and what flows through it. Compiled by tsc, never run.

import {
  cancel,
  defineEffect,
  defineEntity,
  newId,
  type Reference,
  reject,
  schedule,
} from "../../src/index.ts";
import { given } from "../../src/testing/index.ts";
import { type Equal, hold } from "./hold.ts";

const mailer = defineEffect({
  name: "mailer",
  dispatch(_payload: { threshold: number }, _config: { smtp?: string }, context) {
    hold<Equal<typeof context.attempt, number>>();
  },
});

mailer({ threshold: 1 });
// @ts-expect-error a payload of another type
mailer({ threshold: "1" });
// @ts-expect-error a payload with a part that is not there
mailer({});
// @ts-expect-error no payload
mailer();

type Increment = { type: "increment"; amount?: number };
type Increased = { type: "increased"; amount: number };

export const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle(message: Increment, state, context) {
    hold<Equal<typeof state, { count: number }>>();
    hold<Equal<typeof context.version, number>>();
    if (message.amount === 0) return reject("nothing-to-add");
    return {
      events: [{ type: "increased" as const, amount: 1 }],
      effects: [mailer({ threshold: 10 })],
      reply: "ok",
    };
  },
  update(event: Increased, state) {
    hold<Equal<typeof state, { count: number }>>();
    return { count: state.count + event.amount };
  },
  queries: {
    double: (state) => state.count * 2,
    above: (state, limit: number) => state.count > limit,
  },
});

const base = {
  type: "a",
  init: () => ({ count: 0 }),
  update: (_event: Increased, state: { count: number }) => state,
};
const handle = (_message: Increment) => [];

defineEntity({ ...base, handle });
defineEntity({
  ...base,
  // @ts-expect-error handle yields an event that update does not take
  handle: (_message: Increment) => [{ type: "decreased" as const, amount: 1 }],
});
defineEntity({
  ...base,
  // @ts-expect-error handle yields an event without a part that update needs
  handle: (_message: Increment) => [{ type: "increased" as const }],
});
defineEntity({
  ...base,
  // @ts-expect-error the same, beside effects
  handle: (_message: Increment) => ({ events: [{ type: "other" as const, amount: 1 }] }),
});
defineEntity({
  ...base,
  // @ts-expect-error handle is asynchronous
  handle: async (_message: Increment) => [],
});
defineEntity({
  ...base,
  // @ts-expect-error an effect is made by its definition
  handle: (_message: Increment) => ({ effects: ["mailer"] }),
});
defineEntity({
  ...base,
  // @ts-expect-error a message has a type
  handle: (_message: { amount: number }) => [],
});
defineEntity({
  ...base,
  handle,
  // @ts-expect-error update gives another state than init
  update: (_event: Increased) => ({ total: 1 }),
});
defineEntity({
  ...base,
  handle,
  // @ts-expect-error an event has a type
  update: (_event: { n: number }, state) => state,
});
defineEntity({
  ...base,
  handle,
  snapshot: { version: 2, upcast: ({ total }: { total: number }, version) => ({ count: total * version }) },
});
defineEntity({
  ...base,
  handle,
  snapshot: {
    version: 2,
    // @ts-expect-error it gives another state than init
    upcast: (state) => ({ total: state }),
  },
});
// @ts-expect-error a definition has update
defineEntity({ type: "a", init: base.init, handle });
// @ts-expect-error there is no such option
defineEntity({ ...base, handle, snapshots: 1 });

const reference = counter.ref(newId());
const plain: Reference = reference; // a typed reference may go where any reference goes
void plain;

const history: Increased[] = [{ type: "increased", amount: 1 }];
given(counter, history)
  .when({ type: "increment" })
  .then({ events: history, state: { count: 2 } });
// @ts-expect-error a history of another entity's events
given(counter, [{ type: "increased" }]);
const when = given(counter).when({ type: "increment" });
// @ts-expect-error a message that it does not take
when.when({ type: "decrement" });
// @ts-expect-error an event that it does not have
when.then({ events: [{ type: "decreased", amount: 1 }] });
// @ts-expect-error a state that it cannot have
when.then({ state: { total: 1 } });

schedule({ name: "a", after: "5m", message: { type: "expire" } });
schedule({ name: "a", at: new Date(0), every: 1_000, message: { type: "expire", n: 1 } });
schedule<Increment>({ name: "a", every: "1.5h", message: { type: "increment", amount: 2 } });
cancel("a");
// @ts-expect-error a duration without a unit
schedule({ name: "a", after: "5", message: { type: "expire" } });
// @ts-expect-error a unit that there is not
schedule({ name: "a", after: "5min", message: { type: "expire" } });
// @ts-expect-error a message without a type
schedule({ name: "a", after: 5, message: { n: 1 } });
// @ts-expect-error no message
schedule({ name: "a", after: 5 });
// @ts-expect-error another entity's message
schedule<Increment>({ name: "a", after: 5, message: { type: "expire" } });
