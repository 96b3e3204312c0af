// Sends all messages: each airport's in the order of their dates, many airports at once, through all senders in turn.

import { airportOf, type FlightMessage } from "../../cluster/entities/airport.ts";
import type { Send } from "./senders.ts";

/** Of one message: how long its sender waited, and how often it sent. */
export interface Wait {
  readonly ms: number;
  readonly times: number;
  /** When the wait began, of `performance.now()`. */
  readonly since: number;
}

export interface SendOptions {
  /** Take turns: the next message of an airport goes through the next one. */
  readonly senders: readonly Send[];
  readonly onAnswer: (wait: Wait) => void;
  /** Waited for before each message; it is no part of a sender's wait. */
  readonly ready: () => Promise<void> | undefined;
}

/** Airports. */
const AT_ONCE = 64;

/**
 * An airport's next message is sent when the one before was answered: on their way through different nodes two could
 * overtake each other.
 */
export async function sendAll(
  messages: Iterable<FlightMessage>,
  { senders, onAnswer, ready }: SendOptions,
): Promise<void> {
  const byAirport = [...Map.groupBy(keyed(messages), ({ message }) => message.airport)];
  const lanes = byAirport.sort(([, a], [, b]) => b.length - a.length).entries(); // the longest first, or they would end alone
  const work = async (): Promise<void> => {
    for (const [lane, [code, messages]] of lanes) {
      const reference = airportOf(code);
      for (const [i, { message, key }] of messages.entries()) {
        const send = senders[(lane + i) % senders.length];
        if (send === undefined) throw new Error("there is no sender");
        await ready();
        const since = performance.now();
        const times = await send({ reference, message, key });
        onAnswer({ ms: performance.now() - since, times, since });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** A flight's number in the file and what it does: the same two words mean the same message for ever. */
function* keyed(
  messages: Iterable<FlightMessage>,
): Generator<{ readonly message: FlightMessage; readonly key: string }> {
  let number = 0;
  for (const message of messages) {
    yield { message, key: `${message.type}-${Math.floor(number / 2)}` };
    number++;
  }
}
