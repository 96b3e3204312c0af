// Makes a law of a sentence and a check: opens the clients that it needs, and closes them, however it ends.

import assert from "node:assert/strict";
import { newId } from "../../core/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Commit, EntityKey, EventStore, FiringStep, NewTimer } from "../../ports/event-store.ts";
import type { Due, StoredTimer, Timers } from "../../ports/timers.ts";
import type { Judged, Law } from "../backend.ts";
import { until } from "../until.ts";

export interface TimersBackend extends Judged {
  /** The clock that the clients were given: deadlines are by it. */
  readonly clock: Clock;
  /** Partitions are 0 to this, exclusive; at least 4. */
  readonly partitions: number;
  /** Another client on the same data: its commits set timers, and its timers read them. Laws close what they open. */
  open(): Promise<{ readonly store: EventStore; readonly timers: Timers }>;
  /** Puts something that is not Pachyderm's in place of one timer's text, or takes it away. */
  spoil?(key: EntityKey, name: string, text: string | null): Promise<void>;
}

/** Long enough for any server that is alive; a law about deadlines sets its own. */
const CALL_MS = 10_000;

export class Stage {
  readonly backend: TimersBackend;
  readonly #opened: { close(): Promise<void> }[] = [];
  #taken = 0;

  constructor(backend: TimersBackend) {
    this.backend = backend;
  }

  async open(): Promise<Client> {
    const { store, timers } = await this.backend.open();
    this.#opened.push(store, timers);
    return new Client(store, timers, this.backend.clock);
  }

  /** Partitions that this law's timers are in: others have those of other laws. */
  partition(): number {
    this.#taken += 1;
    return this.#taken % this.backend.partitions;
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((one) => one.close()));
  }
}

export type Set = Partial<NewTimer> & { readonly name: string; readonly inMs?: number };

export class Client {
  readonly store: EventStore;
  readonly timers: Timers;
  readonly #clock: Clock;
  #generations = 0;

  constructor(store: EventStore, timers: Timers, clock: Clock) {
    this.store = store;
    this.timers = timers;
    this.#clock = clock;
  }

  deadline(ms = CALL_MS): number {
    return this.#clock.monotonicMs() + ms;
  }

  /** Sets timers by a commit of a new entity. */
  async set(partition: number, ...sets: readonly Set[]): Promise<Alarm> {
    const key = { id: newId(), partition };
    const timers = sets.map(({ name, inMs = 0, ...parts }) => {
      this.#generations += 1;
      const generation = `${newId()}-${this.#generations}`;
      const base = { generation, dueAt: this.store.now() + inMs, everyMs: null, message: '{"type":"due"}' };
      return { name, set: { ...base, ...parts } };
    });
    const alarm = new Alarm(this, key);
    await alarm.commit({ timers });
    return alarm;
  }

  /** What is due in a partition of these entities alone. */
  async due(partition: number, alarms: readonly Alarm[], limit = 1_000): Promise<readonly StoredTimer[]> {
    const { timers } = await this.dueIn(partition, limit);
    const ids = alarms.map(({ key }) => key.id);
    return timers.filter(({ id }) => ids.includes(id)).map(({ timer }) => timer ?? assert.fail("unreadable"));
  }

  async dueIn(partition: number, limit = 1_000): Promise<Extract<Due, { kind: "due" }>> {
    const [due] = await this.timers.due([{ partition, limit }], this.deadline());
    return due?.kind === "due" ? due : assert.fail(JSON.stringify(due));
  }

  async list(key: EntityKey): Promise<readonly StoredTimer[]> {
    const listed = await this.timers.list(key, this.deadline());
    return listed.kind === "listed" ? listed.timers : assert.fail(JSON.stringify(listed));
  }
}

/** An entity that has timers, as its worker remembers it. */
export class Alarm {
  readonly key: EntityKey;
  readonly #client: Client;
  #head: Commit["expected"] = { version: 0, commitId: "" };

  constructor(client: Client, key: EntityKey) {
    this.#client = client;
    this.key = key;
  }

  /** Must be written. */
  async commit(parts: Partial<Commit>): Promise<void> {
    const commitId = newId();
    const record = { messageId: newId(), event: '{"type":"counted"}', reply: "" };
    const commit: Commit = {
      key: this.key,
      type: "alarm",
      commitId,
      expected: this.#head,
      records: [record],
      receipts: [],
      snapshot: null,
      ...parts,
    };
    const [result] = await this.#client.store.commit([commit], this.#client.deadline());
    assert.equal(result?.kind, "committed", JSON.stringify(result));
    this.#head = { version: this.#head.version + 1, commitId };
  }

  list(): Promise<readonly StoredTimer[]> {
    return this.#client.list(this.key);
  }

  async untilDue(name: string): Promise<void> {
    const isDue = async (): Promise<boolean> => {
      const due = await this.#client.due(this.key.partition, [this]);
      return due.some((timer) => timer.name === name);
    };
    await until(`the timer ${name} is due`, isDue);
  }
}

export function firingOf({ name, generation, dueAt }: StoredTimer, missed = 0): FiringStep {
  return { name, generation, dueAt, missed };
}

export function namesOf(timers: readonly StoredTimer[]): readonly string[] {
  return timers.map(({ name }) => name);
}

export function law(name: string, run: (client: Client, stage: Stage) => Promise<void>): Law<TimersBackend> {
  return {
    name,
    async check({ backend }) {
      const stage = new Stage(backend);
      try {
        await run(await stage.open(), stage);
      } finally {
        await stage.close();
      }
    },
  };
}
