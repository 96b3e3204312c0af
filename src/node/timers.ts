// The timers of a node: what fires them, and what lists those of an entity.

import { PachydermError, reasonOf } from "../core/errors.ts";
import { type Json, parseJson } from "../core/json.ts";
import { partitionOf } from "../core/partition.ts";
import { parseReference } from "../core/reference.ts";
import type { Duties } from "../engine/duties.ts";
import type { Engine } from "../engine/engine.ts";
import type { Signals } from "../engine/signals.ts";
import { TimerDuty } from "../engine/timer-duty.ts";
import { unanswered } from "../engine/unanswered.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { StoredTimer, Timers } from "../ports/timers.ts";

/** A timer of an entity, as `Pachyderm.timers` lists it. */
export interface Timer {
  readonly name: string;
  /** Epoch milliseconds by Redis's clock: when it is due, or was. */
  readonly dueAt: number;
  /** Milliseconds from tick to tick; null: it fires once. */
  readonly every: number | null;
  /** What the entity will be sent. */
  readonly message: Json;
  /** How often its message has failed: it is tried again, after a pause. */
  readonly attempts: number;
  /** Null: it waits for its time. Else its message failed too often, for this reason: it fires when it is scheduled again. */
  readonly parked: string | null;
}

export interface NodeTimersParts {
  readonly timers: Timers;
  readonly store: EventStore;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly signals: Signals;
  readonly duties: Duties;
  readonly partitions: number;
  readonly timeoutMs: number;
  /** Whether this node has entities that timers could be sent to. */
  readonly fires: boolean;
}

export class NodeTimers {
  readonly #parts: NodeTimersParts;
  readonly #duty: TimerDuty | null;

  constructor(parts: NodeTimersParts) {
    this.#parts = parts;
    this.#duty = parts.fires ? dutyOf(parts) : null;
  }

  /**
   * @param checkKnown throws UNKNOWN_TYPE
   * @throws PachydermError INVALID_REFERENCE, UNKNOWN_TYPE, UNREADABLE_EVENT, DEADLINE_EXCEEDED, STORE_UNAVAILABLE
   */
  async list(reference: unknown, checkKnown: (type: string) => void): Promise<readonly Timer[]> {
    const { timers, partitions, clock, timeoutMs } = this.#parts;
    const { type, id } = parseReference(reference);
    checkKnown(type);
    const deadline = clock.monotonicMs() + timeoutMs;
    const listed = await timers.list({ id, partition: partitionOf(id, partitions) }, deadline);
    if (listed.kind === "listed") return listed.timers.map(timerOf);
    if (listed.kind === "unreadable") throw new PachydermError("UNREADABLE_EVENT", listed.reason);
    throw unanswered(listed.reason, deadline, clock);
  }

  /** Fires nothing more. */
  stop(): void {
    this.#duty?.close();
  }
}

function dutyOf({ timers, store, engine, clock, signals, duties }: NodeTimersParts): TimerDuty {
  const duty = new TimerDuty({
    timers,
    clock,
    launch: (reference, message, firing, sender) => engine.fire(reference, message, firing, sender),
    failed: (payload) => signals.emit("timer-failed", payload),
  });
  duties.add(duty);
  engine.onScheduled((partition, dueAt) => duty.scheduled(partition, dueAt - store.now()));
  return duty;
}

function timerOf({ name, dueAt, everyMs, message, tries, parked }: StoredTimer): Timer {
  try {
    return { name, dueAt, every: everyMs, message: parseJson(message), attempts: tries, parked };
  } catch (thrown) {
    throw new PachydermError("UNREADABLE_EVENT", `the timer ${name} cannot be read: ${reasonOf(thrown)}`);
  }
}
