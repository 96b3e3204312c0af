// The two ways of sending: over HTTP, and with the library. Each sends one message so that it is handled once, whatever
// happens to the node on the way. This is what a program of yours would do.

import { setTimeout as sleep } from "node:timers/promises";
import { type Pachyderm, PachydermError } from "pachyderm";
import type { airportOf, FlightMessage } from "../../cluster/entities/airport.ts";

/** A message, and the key under which it is known however often it is sent: of what it is about, and not made up here. */
export interface Order {
  readonly reference: ReturnType<typeof airportOf>;
  readonly message: FlightMessage;
  readonly key: string;
}

/** Settles when the message was handled. @returns how often it was sent */
export type Send = (order: Order) => Promise<number>;

const GIVE_UP_MS = 20_000;
const PAUSE_MS = 10;
/** Longer than a node itself takes to say that it does not know. */
const ANSWER_MS = 8_000;

/** With the library: it finds the node that has the airport, and another one if that one does not answer. */
export function libraryClient(client: Pachyderm): Send {
  return ({ reference, message, key }) =>
    untilHandled(async () => {
      try {
        await client.send(reference, message, { idempotencyKey: key, answer: "none" });
        return true;
      } catch (thrown) {
        const again = thrown instanceof PachydermError && (thrown.outcome === "unknown" || thrown.retryable);
        if (again) return false; // under the same key: if it was handled after all, that is recognised
        throw thrown;
      }
    });
}

/** Over HTTP, to the nodes in turn: any of them takes any message, and what one could not answer goes to the next. */
export function httpClient(addresses: readonly string[], first: number): Send {
  let turn = first;
  return ({ reference, message, key }) =>
    untilHandled(async () => {
      const address = addresses[turn++ % addresses.length];
      try {
        const response = await fetch(`${address}/entities/${reference.type}/${reference.id}`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "idempotency-key": key,
            prefer: "return=minimal",
          },
          body: JSON.stringify(message),
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        const answer = (await response.json()) as { readonly retryable?: boolean; readonly outcome?: string };
        if (response.ok) return true;
        if (answer.outcome === "unknown" || answer.retryable === true) return false;
        throw new Error(`${address} refused a message for good: ${JSON.stringify(answer)}`);
      } catch (thrown) {
        // The node is not there, or was killed or fell silent before its answer: then nobody can say what became of the message.
        if (thrown instanceof TypeError || isTimeout(thrown)) return false;
        throw thrown;
      }
    });
}

function isTimeout(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "TimeoutError";
}

async function untilHandled(once: () => Promise<boolean>): Promise<number> {
  const giveUpAt = performance.now() + GIVE_UP_MS;
  for (let times = 1; ; times++) {
    if (await once()) return times;
    if (performance.now() > giveUpAt) throw new Error(`a message was sent ${times} times, without an answer`);
    if (times > 1) await sleep(PAUSE_MS);
  }
}
