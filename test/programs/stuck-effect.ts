// An entity whose one message has a durable effect, and the effect with whatever is to be its run.

import { defineEffect, defineEntity, type Effect } from "../../src/index.ts";

export const stuckOn = (run: (attempt: number) => unknown) =>
  defineEffect({
    name: "stuck",
    durable: {},
    dispatch: (_payload: object, _config, { attempt }) => run(attempt),
  });

const effect: Effect<object> = stuckOn(() => {})({});

export const worker = defineEntity({
  type: "worker",
  init: () => ({}),
  handle: (_message: { type: "work" }) => ({ effects: [effect] }),
  update: (_event: { type: "never" }, state) => state,
});
