// One decision beside what was expected of it, part by part, so that an error can name the part.

import { AssertionError, deepStrictEqual } from "node:assert/strict";
import type { Expectation } from "./expectation.ts";
import type { Outcome } from "./outcome.ts";

/** One part of an expectation. `problem`: how it differs, in words and as a diff; undefined if it does not. */
interface Part {
  readonly name: string;
  readonly actual: unknown;
  readonly expected: unknown;
  readonly problem: string | undefined;
}

/** The parts that were named, and the rejection in any case. */
export function partsOf<S, E>(
  { decision, state }: Extract<Outcome<S>, { kind: "decided" }>,
  expected: Expectation<S, E>,
): readonly Part[] {
  const none = { events: [], effects: [], reply: null };
  const yielded = decision.kind === "yields" ? decision : none;
  const actual: { readonly [part in keyof Expectation<S, E>]: unknown } = {
    events: yielded.events,
    effects: yielded.effects,
    state,
    reply: yielded.reply,
  };
  const parts = [partOf("rejected", ...rejections(decision, expected.rejected))];
  for (const name of ["events", "effects", "state", "reply"] as const) {
    if (expected[name] !== undefined) parts.push(partOf(name, actual[name], expected[name]));
  }
  return parts;
}

/** The rejection there is and the one expected, `null` for none; a detail that is not named is not compared. */
function rejections(
  decision: Extract<Outcome<unknown>, { kind: "decided" }>["decision"],
  expected: Expectation<unknown, unknown>["rejected"],
): [actual: unknown, expected: unknown] {
  const whole = decision.kind === "rejects" ? { code: decision.code, detail: decision.detail } : null;
  if (expected === undefined) return [whole, null];
  const wanted = typeof expected === "string" ? { code: expected } : expected;
  return [whole === null || wanted.detail !== undefined ? whole : { code: whole.code }, wanted];
}

function partOf(name: string, actual: unknown, expected: unknown): Part {
  try {
    deepStrictEqual(actual, expected);
    return { name, actual, expected, problem: undefined };
  } catch (thrown) {
    if (!(thrown instanceof AssertionError)) throw thrown;
    return { name, actual, expected, problem: `${name}: ${thrown.message}` };
  }
}
