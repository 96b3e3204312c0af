// A job is there if and only if its commit is.

import assert from "node:assert/strict";
import { until } from "../until.ts";
import { DONE, law } from "./law.ts";

export const puttingLaws = [
  law("the jobs of a commit are run, each with its name and its data as they were given", async (client) => {
    client.work(1, () => DONE);
    const data = '{"text":"päckchen \\n🐘","empty":[],"deep":{"n":9007199254740991}}';
    const [first = "", second = ""] = await client.put(1, { name: "mail", data }, { name: "$tell" });
    await until("both have run", async () => client.runs.length === 2);
    const [mail] = client.runsOf(first);
    assert.deepEqual([mail?.name, mail?.partition, mail?.attempt], ["mail", 1, 1]);
    assert.deepEqual(JSON.parse(mail?.data ?? ""), JSON.parse(data));
    assert.equal(client.runsOf(second)[0]?.name, "$tell");
    await client.untilEmpty();
    assert.equal(client.runs.length, 2);
  }),

  law("the jobs of a commit that comes second are not there", async (client) => {
    const first = client.commit(0, [{}]);
    const second = { ...client.commit(0, [{}, {}]), key: first.key };
    const results = await client.store.commit([first, second], client.deadline());
    assert.deepEqual(
      results.map(({ kind }) => kind),
      ["committed", "conflict"],
    );
    assert.equal((await client.counts()).waiting, 1);
  }),

  law(
    "a commit with jobs that is sent again is recognised, and puts nothing there a second time",
    async (client) => {
      const commit = client.commit(0, [{}, {}]);
      await client.store.commit([commit], client.deadline());
      const [again] = await client.store.commit([commit], client.deadline());
      assert.deepEqual([again?.kind, again?.kind === "committed" && again.already], ["committed", true]);
      assert.equal((await client.counts()).waiting, 2);
      client.work(0, () => DONE);
      await client.untilEmpty();
      const [late] = await client.store.commit([commit], client.deadline());
      assert.equal(late?.kind, "committed");
      assert.equal((await client.counts()).waiting, 0);
      assert.equal(client.runs.length, 2);
    },
  ),

  // There is no other sign of it than the records themselves, and the jobs are there before these.
  law("a log that was trimmed to the length of an older version takes no job there", async (client) => {
    const first = client.commit(0, [{}]);
    const { key, commitId } = first;
    const [told] = await client.store.commit([first], client.deadline());
    assert.ok(told?.kind === "committed", JSON.stringify(told));
    const { proof } = told;
    const expected = { version: 1, commitId, ...(proof === undefined ? {} : { proof }) };
    const snapshot = { version: 2, schema: 1, state: "{}" };
    await client.store.commit([client.commit(0, [{}], { key, expected, snapshot })], client.deadline());
    const trimmed = await client.store.trim(
      { key, below: 2, before: Number.MAX_SAFE_INTEGER },
      client.deadline(),
    );
    assert.deepEqual(trimmed, { kind: "trimmed", left: "done" });
    const [late] = await client.store.commit([client.commit(0, [{}], { key, expected })], client.deadline());
    assert.deepEqual(late, { kind: "reload" });
    assert.equal((await client.counts()).waiting, 2);
  }),

  law("a message that another commit has handled leaves no job of this one", async (client) => {
    const step = { kind: "t", key: "told", write: { value: "v", ttlMs: 60_000 }, notAfter: null } as const;
    const first = client.commit(2, [{}], { receipts: [step] });
    const second = { ...client.commit(2, [{}], { receipts: [step] }), key: first.key };
    const [one, two] = await client.store.commit([first, second], client.deadline());
    assert.deepEqual([one?.kind, two?.kind], ["committed", "duplicate"]);
    assert.equal((await client.counts()).waiting, 1);
  }),

  law("commits with jobs and without, of several partitions, in one call or several", async (client) => {
    const commits = [0, 1, 0, 1].map((partition, i) => client.commit(partition, i % 3 === 0 ? [{}, {}] : []));
    const plain = commits.map(({ jobs, ...commit }) =>
      jobs?.length === 0 ? commit : { ...commit, jobs: jobs ?? [] },
    );
    const lanes = new Map<number, typeof plain>();
    for (const commit of plain) {
      const lane = client.store.lane(commit.key.partition);
      lanes.set(lane, [...(lanes.get(lane) ?? []), commit]);
    }
    for (const lane of lanes.values()) {
      const results = await client.store.commit(lane, client.deadline());
      assert.ok(
        results.every(({ kind }) => kind === "committed"),
        JSON.stringify(results),
      );
    }
    assert.equal((await client.counts()).waiting, 4);
    for (const partition of [0, 1]) client.work(partition, () => DONE);
    await client.untilEmpty();
    assert.deepEqual(client.runs.map(({ partition }) => partition).toSorted(), [0, 0, 1, 1]);
  }),

  law(
    "a commit stands where it is in the log, and is lost where the log never came to it",
    async (client) => {
      const commit = client.commit(3, [{}]);
      const { key, commitId } = commit;
      const at = (version: number, id: string) =>
        client.store.stands(key, { version, commitId: id }, client.deadline());
      assert.equal((await at(1, commitId)).kind, "lost");
      await client.store.commit([commit], client.deadline());
      assert.equal((await at(1, commitId)).kind, "stands");
      assert.equal((await at(1, "another")).kind, "lost");
      assert.equal((await at(2, commitId)).kind, "lost");
      assert.equal(
        (await client.store.stands(key, { version: 1, commitId }, client.deadline(-1))).kind,
        "unavailable",
      );
    },
  ),
];
