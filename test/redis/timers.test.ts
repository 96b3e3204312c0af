// What commits do to timers, whichever way they go through the commit script: whatever is in a call, the timers and the list
// of due times are as a plain model says. (By the memory's twin too, which knows one way.)

import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { newId } from "../../src/core/reference.ts";
import type { Commit, CommitResult, EntityKey, NewTimer } from "../../src/ports/event-store.ts";
import type { StoredTimer } from "../../src/ports/timers.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { rounds } from "../harness/rounds.ts";
import { memoryTimers, redisTimers } from "../harness/timers-backends.ts";

const server = await RedisServer.start({ nodeUser: true });
afterAll(() => server.stop());

const ENTITIES = 3;
const NAMES = ["a", "b c"] as const;
/** Long past: all are due, and so all stand in what is read of the list. */
const TIMES = [1_000, 2_000, 3_000] as const;

const steps = fc.array(
  fc.record({ name: fc.constantFrom(...NAMES), set: fc.option(fc.constantFrom(...TIMES)) }),
  { maxLength: 2 },
);
/** Comes at the right version, or too late; or fires what stands, too. */
const kinds = fc.constantFrom("right", "right", "right", "late", "fires");
const commits = fc.record({
  entity: fc.nat(ENTITIES - 1),
  kind: kinds,
  steps,
  records: fc.constantFrom(1, 1, 1, 2),
  proved: fc.boolean(),
});
const calls = fc.array(fc.array(commits, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 });

type Wanted = typeof commits extends fc.Arbitrary<infer T> ? T : never;

class Kept {
  readonly key: EntityKey;
  head: Commit["expected"] = { version: 0, commitId: "" };
  readonly timers = new Map<string, NewTimer>();
  #made = 0;

  constructor(partition: number) {
    this.key = { id: newId(), partition };
  }

  make({ kind, steps, records, proved }: Wanted): Commit {
    const { proof: _, ...bare } = this.head;
    const [fired] = kind === "fires" ? [...this.timers] : [];
    this.#made += 1;
    return {
      key: this.key,
      type: "alarm",
      commitId: `commit-${this.#made}`,
      expected: kind === "late" ? { version: 0, commitId: "" } : proved ? this.head : bare,
      records: Array.from({ length: records }, (_, i) => ({
        messageId: `m${i}`,
        event: '{"type":"x"}',
        reply: "",
      })),
      receipts: [],
      snapshot: null,
      ...(fired === undefined
        ? {}
        : {
            firings: [{ name: fired[0], generation: fired[1].generation, dueAt: fired[1].dueAt, missed: 0 }],
          }),
      timers: steps.map(({ name, set }, i) => ({
        name,
        set:
          set === null
            ? null
            : { generation: `g${this.#made}-${i}`, dueAt: set, everyMs: null, message: '{"type":"due"}' },
      })),
    };
  }

  landed(commit: Commit, result: CommitResult | undefined): void {
    const isLate = commit.expected.version !== this.head.version;
    expect(result?.kind).toBe(isLate ? "conflict" : "committed");
    if (result?.kind !== "committed") return;
    const { commitId, records, firings = [], timers = [] } = commit;
    this.head = {
      version: this.head.version + records.length,
      commitId,
      ...(result.proof === undefined ? {} : { proof: result.proof }),
    };
    for (const { name } of firings) this.timers.delete(name);
    for (const { name, set } of timers) {
      if (set === null) this.timers.delete(name);
      else this.timers.set(name, set);
    }
  }

  get told(): readonly StoredTimer[] {
    return [...this.timers].map(([name, set]) => ({ ...set, name, type: "alarm", tries: 0, parked: null }));
  }
}

const byName = (all: readonly StoredTimer[]) => all.toSorted((a, b) => (a.name < b.name ? -1 : 1));

for (const backend of [memoryTimers(), redisTimers(server.nodeUrl)]) {
  test(`timers and the list of due times are as a model says (${backend.name})`, async () => {
    const { store, timers } = await backend.open();
    const deadline = () => backend.clock.monotonicMs() + 10_000;
    let partition = 0;
    const run = fc.asyncProperty(calls, async (all) => {
      partition = (partition + 1) % backend.partitions;
      const kept = Array.from({ length: ENTITIES }, () => new Kept(partition));
      for (const call of all) {
        // One commit of an entity at a time, as a worker has it.
        const ready = kept.flatMap((one, i) => {
          const wanted = call.find(({ entity }) => entity === i);
          return wanted === undefined ? [] : [{ one, commit: one.make(wanted) }];
        });
        const made = ready.map(({ commit }) => commit);
        const results = await store.commit(made, deadline());
        for (const [i, { one, commit }] of ready.entries()) one.landed(commit, results[i]);
        await check(kept, partition);
      }
      for (const one of kept) {
        const end = one.make({ entity: 0, kind: "right", steps: [], records: 1, proved: false });
        const [result] = await store.commit([{ ...end, destroy: true }], deadline());
        expect(result?.kind).toBe("committed");
        one.timers.clear();
      }
      await check(kept, partition);
    });
    const check = async (kept: readonly Kept[], of: number): Promise<void> => {
      for (const { key, told } of kept) {
        const listed = await timers.list(key, deadline());
        expect(listed.kind === "listed" && byName(listed.timers)).toEqual(byName(told));
      }
      const [due] = await timers.due([{ partition: of, limit: 1_000 }], deadline());
      if (due?.kind !== "due") throw new Error(JSON.stringify(due));
      for (const { key, told } of kept) {
        const found = due.timers.filter(({ id }) => id === key.id);
        expect(byName(found.flatMap(({ timer }) => timer ?? []))).toEqual(byName(told));
        expect(found.length).toBe(told.length);
      }
      const times = due.timers.map(({ timer }) => timer?.dueAt ?? 0);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    };
    try {
      await fc.assert(run, { numRuns: rounds(150, 3_000) });
    } finally {
      await Promise.all([store.close(), timers.close()]);
      await backend.close();
    }
  });
}
