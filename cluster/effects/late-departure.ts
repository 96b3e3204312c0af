// A departure that was very late is announced, at most once: after its events are in Redis, by the node that put
// them there. On a channel of this process, so that who runs the node says what becomes of it.

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
  dispatch(payload: LateDeparture) {
    lateDepartures.publish(payload);
  },
});
