// Fourth step of a send (before: mailbox.ts or loader.ts, after: batch.ts): one message at one head. Pure: it may be
// computed again on another head, and what comes of it is nothing until it is committed.

import type { SoundDecision, SoundEffect } from "../core/decision.ts";
import type { AnyEntity, HandleContext } from "../core/entity.ts";
import { PachydermError, reasonOf } from "../core/errors.ts";
import { copyJson, freezeState, type Json, problemText } from "../core/json.ts";
import { type DecisionRules, readDecision } from "../core/read-decision.ts";
import { DESTROYED_RECORD, EFFECTS_RECORD } from "../core/record.ts";
import { noRow, type Row } from "../core/view.ts";
import type { Order } from "./envelope.ts";
import type { Head } from "./head.ts";
import { planTimers, type TimerPlan, timeOf, timerContext } from "./timer-plan.ts";

/** What became of the message, if the head that it was handled at is the log's. */
export type Turn =
  | {
      readonly kind: "handled";
      /** JSON texts of the records that it brings. */
      readonly records: readonly string[];
      readonly effects: readonly SoundEffect[];
      /** What those of the effects that are `schedule` and `cancel` do. */
      readonly timers: readonly TimerPlan[];
      readonly reply: Json;
      readonly state: unknown;
      /** Of each view of the entity, where they are to be written; null: they are not, or there are no views. */
      readonly rows: readonly Row[] | null;
      /** The state or the query's result, as the order wanted. */
      readonly value: unknown;
    }
  | { readonly kind: "rejected"; readonly code: string; readonly detail: Json }
  | { readonly kind: "failed"; readonly error: PachydermError };

const NONE: readonly never[] = [];
const EFFECTS_ONLY: readonly string[] = [EFFECTS_RECORD];
const END: readonly string[] = [DESTROYED_RECORD];

/** @param order a message that was not handled before; `recall` is for the others, and for `get` */
export function takeTurn(order: Order, head: Head, now: number, rules: DecisionRules): Turn {
  try {
    checkType(order, head);
    if (order.destroys) return destroy(order, head);
    checkAlive(order, head);
    checkExpected(order, head);
    const state = stateAt(order, head);
    const time = timeOf(order.firing, now);
    const decision = decide(order, head.version, state, time, rules);
    if (decision.kind === "rejects")
      return { kind: "rejected", code: decision.code, detail: decision.detail };
    return evolve(order, state, time, decision);
  } catch (thrown) {
    return failed(thrown);
  }
}

/** Looks, and handles nothing: a `get`, or a message that another commit has handled. */
export function look(order: Order, head: Head, reply: Json): Turn {
  try {
    checkType(order, head);
    if (order.destroys) return destroy(order, head);
    if (order.repairs) return repair(order, head);
    checkAlive(order, head);
    if (order.message === undefined) checkExpected(order, head);
    const state = stateAt(order, head);
    const value = answerValue(order, state);
    return { kind: "handled", records: NONE, effects: NONE, timers: NONE, reply, state, rows: null, value };
  } catch (thrown) {
    return failed(thrown);
  }
}

/** An entity that is destroyed already is as it should be. */
function destroy({ definition }: Order, head: Head): Turn {
  return head.destroyed ? nothing(null) : { ...nothing(noRows(definition)), records: END };
}

/** Looks, and says what the rows are: of one that has no records, or was destroyed, there are none. */
function repair(order: Order, head: Head): Turn {
  const { definition } = order;
  const isThere = head.version > 0 && !head.destroyed;
  return nothing(isThere ? rowsOf(order, head.state) : noRows(definition));
}

function nothing(rows: readonly Row[] | null): Extract<Turn, { kind: "handled" }> {
  return {
    kind: "handled",
    records: NONE,
    effects: NONE,
    timers: NONE,
    reply: null,
    state: null,
    rows,
    value: undefined,
  };
}

/** Of each view, before the commit: a row that cannot be made fails the message while nothing has happened yet. */
function rowsOf({ definition, reference }: Order, state: unknown): readonly Row[] | null {
  const { viewTables } = definition;
  return viewTables.length === 0 ? null : viewTables.map((view) => view.rowOf(state, reference));
}

function noRows({ viewTables }: AnyEntity): readonly Row[] | null {
  return viewTables.length === 0 ? null : viewTables.map(({ fields }) => noRow(fields));
}

function checkAlive({ reference }: Order, { destroyed, version }: Head): void {
  if (!destroyed) return;
  throw new PachydermError("DESTROYED", `the entity ${reference.id} was destroyed at version ${version}`);
}

function failed(thrown: unknown): Turn {
  if (thrown instanceof PachydermError) return { kind: "failed", error: thrown };
  // Every call into the entity is guarded below; what is left is an object of its making that throws when it is looked
  // at (a proxy). Whatever it is, it is this message's, and its sender must hear of it.
  const message = `the message could not be handled: ${reasonOf(thrown)}`;
  return { kind: "failed", error: new PachydermError("HANDLER_FAILED", message, { cause: thrown }) };
}

function checkType({ reference, definition }: Order, head: Head): void {
  if (head.definition === null || head.definition === definition) return;
  const message = `the entity ${reference.id} is of the type ${head.definition.type}, not ${reference.type}`;
  throw new PachydermError("WRONG_TYPE", message, { detail: { type: head.definition.type } });
}

/** `expected` of a send, `atLeast` of a get: a place that the log does not hold is not a mere mismatch. */
function checkExpected({ expected, message }: Order, head: Head): void {
  if (expected === null) return;
  if (typeof expected === "number") {
    if (expected !== head.version) throw mismatch(expected, head.version);
    return;
  }
  const lost = expected.version > head.version;
  if (lost || (expected.version === head.version && expected.commitId !== head.commitId)) {
    const holds = lost ? `ends at version ${head.version}` : "holds another commit there";
    throw new PachydermError(
      "LOG_DIVERGED",
      `the cursor is of version ${expected.version}; the log ${holds}`,
    );
  }
  if (message !== undefined && expected.version !== head.version)
    throw mismatch(expected.version, head.version);
}

function mismatch(expected: number, version: number): PachydermError {
  const message = `the entity is at version ${version}, not at ${expected} as expected`;
  return new PachydermError("EXPECTED_MISMATCH", message, { detail: { version, expected } });
}

function stateAt({ definition }: Order, head: Head): unknown {
  if (head.version > 0) return head.state;
  const state = guarded("init", () => definition.init());
  freeze(definition, state, undefined, "init returned a state that");
  return state;
}

function decide(
  order: Order,
  version: number,
  state: unknown,
  now: number,
  rules: DecisionRules,
): SoundDecision {
  const { definition, reference, message, messageId, firing } = order;
  const told = { reference, version, now, messageId };
  const context: HandleContext = firing === null ? told : { ...told, timer: timerContext(firing, now) };
  const returned = callHandle(definition, message, state, context);
  const decision = readDecision(returned, definition.event, rules);
  if (decision.kind !== "faulty") return decision;
  const code = decision.tooLarge ? "TOO_LARGE" : "HANDLER_FAILED";
  throw new PachydermError(code, `the decision of ${definition.type} is faulty: ${decision.reason}`);
}

function evolve(
  order: Order,
  before: unknown,
  now: number,
  decision: Extract<SoundDecision, { kind: "yields" }>,
): Turn {
  const { events, texts, effects, reply } = decision;
  const { definition } = order;
  let state = before;
  if (events.length > 0) {
    for (const event of events) state = callUpdate(definition, event, state);
    freeze(definition, state, before, "update returned a state that");
  }
  if (effects.length > 0 && effects.some(({ durable }) => durable !== undefined)) checkConfig(order);
  // Effects alone take a version too, so that they can be compared and recognised.
  const records = texts.length === 0 && effects.length > 0 ? EFFECTS_ONLY : texts;
  const timers = planTimers(effects, now);
  const rows = records.length > 0 ? rowsOf(order, state) : null;
  return { kind: "handled", records, effects, timers, reply, state, rows, value: answerValue(order, state) };
}

/** It goes along with a durable effect, in its job: so it must be plain JSON, which only a cluster asks of all. */
function checkConfig({ config }: Order): void {
  if (config === undefined) return;
  try {
    copyJson(config, MAX_CONFIG_BYTES);
  } catch (thrown) {
    const message = `the config goes with a durable effect, so it is plain JSON: ${problemText(thrown)}`;
    throw new PachydermError("INVALID_OPTIONS", message, { cause: thrown });
  }
}

const MAX_CONFIG_BYTES = 1024 * 1024;

/** Before the commit, so that a query that throws fails the message while nothing has happened yet. */
function answerValue({ definition, answer, queryArgs }: Order, state: unknown): unknown {
  if (answer === "state") return state;
  if (answer === "none") return undefined;
  const run = (definition.queries as Readonly<Record<string, (state: unknown, args: unknown) => unknown>>)[
    answer.query
  ];
  const result = guarded(`the query ${answer.query}`, () => run?.(state, queryArgs));
  if (!(result instanceof Promise)) return result;
  result.catch(() => {}); // the refusal is the answer; a later rejection must not end the process
  throw new PachydermError("HANDLER_FAILED", `the query ${answer.query} returned a promise; it must be pure`);
}

function freeze({ type }: AnyEntity, state: unknown, before: unknown, what: string): void {
  try {
    freezeState(state, before);
  } catch (thrown) {
    throw new PachydermError("HANDLER_FAILED", `${type}: ${what} is not plain JSON: ${problemText(thrown)}`);
  }
}

/** As `guarded`, without a closure: every message comes by here, and by `callUpdate`. */
function callHandle(
  definition: AnyEntity,
  message: unknown,
  state: unknown,
  context: HandleContext,
): unknown {
  try {
    return definition.handle(message, state, context);
  } catch (thrown) {
    throw threw("handle", thrown);
  }
}

function callUpdate(definition: AnyEntity, event: unknown, state: unknown): unknown {
  try {
    return definition.update(event, state);
  } catch (thrown) {
    throw threw("update", thrown);
  }
}

function guarded<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw threw(what, thrown);
  }
}

function threw(what: string, thrown: unknown): PachydermError {
  return new PachydermError("HANDLER_FAILED", `${what} threw: ${reasonOf(thrown)}`, { cause: thrown });
}
