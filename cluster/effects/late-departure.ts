// A departure that was very late is announced, at least once: it is put on a queue together with its event, and a node that
// dies before it has announced it leaves it to the next one. Whoever counts knows by the effect's id which is which. On a
// channel of this process, so that who runs the node says what becomes of it.

import { channel } from "node:diagnostics_channel";
import { defineEffect } from "pachyderm";

export interface LateDeparture {
  readonly airport: string;
  readonly at: string;
  readonly delay: number;
}

export const lateDepartures = channel("airport.late-departure");

export const announceLateDeparture = defineEffect({
  name: "announce-late-departure",
  durable: {},
  dispatch(payload: LateDeparture, _config: unknown, { effectId }) {
    lateDepartures.publish({ ...payload, effectId });
  },
});
