// given(entity, events).when(message).then({ events, effects, state, reply, rejected }): a test of one decision.

import { AssertionError } from "node:assert/strict";
import type { Entity, HandleContext } from "../core/entity.ts";
import { partsOf } from "./compare.ts";
import type { Expectation } from "./expectation.ts";
import { decide, type Outcome, replay } from "./outcome.ts";

/** An entity with a history, waiting for a message. */
export interface Given<S, M, E> {
  /**
   * Handles a message. What `handle` is told besides it is fixed, so that a test gives the same every time:
   * `now` 0, the nil UUID as id, `message-1` and so on as message ids, the version after the events so far.
   * @param context parts of it that matter to this test
   */
  when(message: M, context?: Partial<HandleContext>): When<S, M, E>;
}

/** A message that was handled. Several `when` may follow each other: each but the last must succeed. */
export interface When<S, M, E> extends Given<S, M, E> {
  /**
   * Compares what the message came to, and gives back the entity as it is now, for the next `when`.
   * A rejection that is not expected and a handler that fails are errors whatever is named.
   * @throws AssertionError that names the parts that differ and shows each
   */
  then(expected: Expectation<S, E>): Given<S, M, E>;
  /**
   * The message would be HANDLER_FAILED, INVALID_MESSAGE or TOO_LARGE: the code threw, or what it made is no
   * sound decision.
   * @throws AssertionError if it did not fail, or for another reason
   */
  thenFails(reason: RegExp): Given<S, M, E>;
}

/**
 * Begins a test of an entity, on nothing but its own functions: no store, no clock, any test runner.
 * @param events its history, in today's form (`upcast` is for what is stored)
 * @throws Error if the events are not such that they could have been stored
 */
export function given<S, M, E>(entity: Entity<S, M, E, object>, events: readonly E[] = []): Given<S, M, E> {
  return new History(entity, replay(entity, events), events.length, 0);
}

/** An entity at a version: has no `then`, so that a test may return or await what a check gave it. */
class History<S, M, E> implements Given<S, M, E> {
  readonly #entity: Entity<S, M, E, object>;
  readonly #state: S;
  readonly #version: number;
  readonly #messages: number;

  constructor(entity: Entity<S, M, E, object>, state: S, version: number, messages: number) {
    this.#entity = entity;
    this.#state = state;
    this.#version = version;
    this.#messages = messages;
  }

  when(message: M, context: Partial<HandleContext> = {}): When<S, M, E> {
    const messages = this.#messages + 1;
    const outcome = decide(this.#entity, this.#state, message, {
      reference: this.#entity.ref("00000000-0000-0000-0000-000000000000"),
      version: this.#version,
      now: 0,
      messageId: `message-${messages}`,
      ...context,
    });
    const state = outcome.kind === "decided" ? outcome.state : this.#state;
    const next = new History(this.#entity, state, this.#version + recordsOf(outcome), messages);
    return new Handled(`${this.#entity.type}, when ${nameOf(message)}`, outcome, next);
  }
}

class Handled<S, M, E> implements When<S, M, E> {
  readonly #title: string;
  readonly #outcome: Outcome<S>;
  readonly #next: History<S, M, E>;

  constructor(title: string, outcome: Outcome<S>, next: History<S, M, E>) {
    this.#title = title;
    this.#outcome = outcome;
    this.#next = next;
  }

  when(message: M, context?: Partial<HandleContext>): When<S, M, E> {
    return this.then({}).when(message, context);
  }

  // biome-ignore lint/suspicious/noThenProperty: the word of the trade; an await of this is caught below
  then(expected: Expectation<S, E>): Given<S, M, E> {
    // Whoever awaits or returns `when(…)` without a check makes the runtime call this with two functions.
    if (typeof expected === "function")
      throw new Error(`${this.#title}: nothing was checked; call then({ … })`);
    if (this.#outcome.kind === "failed") throw this.#wrong(`handling failed: ${this.#outcome.reason}`);
    const wrong = partsOf(this.#outcome, expected).filter((part) => part.problem !== undefined);
    if (wrong.length === 0) return this.#next;
    const names = wrong.map((part) => part.name).join(" and ");
    throw new AssertionError({
      message: `${this.#title}: ${names} not as expected\n\n${wrong.map((part) => part.problem).join("\n\n")}`,
      actual: Object.fromEntries(wrong.map((part) => [part.name, part.actual])),
      expected: Object.fromEntries(wrong.map((part) => [part.name, part.expected])),
      operator: "then",
    });
  }

  thenFails(reason: RegExp): Given<S, M, E> {
    if (this.#outcome.kind !== "failed") throw this.#wrong("was expected to fail, and did not");
    if (!reason.test(this.#outcome.reason)) {
      throw this.#wrong(`failed, but not for ${reason}: ${this.#outcome.reason}`);
    }
    return this.#next;
  }

  #wrong(what: string): AssertionError {
    return new AssertionError({ message: `${this.#title}: ${what}` });
  }
}

/** How many versions a decision takes: effects without events are one record of the system's. */
function recordsOf(outcome: Outcome<unknown>): number {
  if (outcome.kind === "failed" || outcome.decision.kind === "rejects") return 0;
  const { events, effects } = outcome.decision;
  return events.length === 0 && effects.length > 0 ? 1 : events.length;
}

function nameOf(message: unknown): string {
  const type = (message as { readonly type?: unknown } | null | undefined)?.type;
  return typeof type === "string" ? type : "a message without a type";
}
