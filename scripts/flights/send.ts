// Sends all messages, many at a time, each airport's in the order of their dates.

import type { Pachyderm } from "pachyderm";
import { airportOf, type FlightMessage } from "../../cluster/entities/airport.ts";

const IN_FLIGHT = 256;

/**
 * The senders take turns at one iterator. A message is taken and sent without a pause between, and a send stands in
 * its entity's mailbox in the order of the calls: so each airport hears of its flights in the order given.
 * @returns milliseconds from the first send to the last answer
 */
export async function sendAll(
  pachyderm: Pachyderm,
  messages: Iterator<FlightMessage>,
  onAnswer: () => void,
): Promise<number> {
  const begun = performance.now();
  const references = new Map<string, ReturnType<typeof airportOf>>(); // an id from a name costs two SHA-1
  const referenceOf = (code: string) => {
    const reference = references.get(code) ?? airportOf(code);
    references.set(code, reference);
    return reference;
  };
  const sender = async () => {
    for (let next = messages.next(); next.done !== true; next = messages.next()) {
      await pachyderm.send(referenceOf(next.value.airport), next.value, { answer: "none" });
      onAnswer();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  return performance.now() - begun;
}
