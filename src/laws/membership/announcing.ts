// Who is seen, by whom, and until when.

import assert from "node:assert/strict";
import { until } from "../until.ts";
import { law, memberOf, SHORT_MS } from "./law.ts";

export const announcingLaws = [
  law("what a node tells of itself is seen by all, whole", async (node, stage) => {
    const other = await stage.open();
    const told = memberOf("a_Z-9", {
      address: "[::1]:7946",
      http: "node-a:8080",
      since: 1_700_000_000_123,
      protocol: 7,
      code: "0.3.0-beta.1",
      types: ["account", "Öre €", ""],
      effects: ["mailer"],
      partitions: [31, 0, 7],
      leaving: true,
    });
    assert.deepEqual((await node.announce(told)).members, [told]);
    assert.deepEqual((await other.look()).members, [told]);
    assert.deepEqual((await other.look()).members, [told], "seen again");
  }),

  law("nobody is there where nobody announced, and looking is not being there", async (node) => {
    assert.deepEqual((await node.look()).members, []);
    assert.deepEqual((await node.look()).members, []);
  }),

  law("members come in the order of their ids, whoever came first", async (node, stage) => {
    const other = await stage.open();
    for (const id of ["b", "Z", "a-1", "a", "_"]) await node.announce(memberOf(id));
    assert.deepEqual(await other.ids(), ["Z", "_", "a", "a-1", "b"]);
  }),

  law("what a node tells replaces what it told before", async (node, stage) => {
    const other = await stage.open();
    await node.announce(memberOf("a", { partitions: [1, 2] }));
    await other.look();
    const { members } = await node.announce(memberOf("a", { partitions: [3] }));
    assert.deepEqual(members[0]?.partitions, [3]);
    assert.deepEqual((await other.look()).members, members);
  }),

  law("what a caller changes after it has told is not told", async (node) => {
    const partitions = [1];
    await node.announce(memberOf("a", { partitions }));
    partitions.push(2);
    assert.deepEqual((await node.look()).members[0]?.partitions, [1]);
  }),

  law(
    "a member whose time has passed vanishes, not earlier, and whoever renews stays",
    async (node, stage) => {
      const other = await stage.open();
      await node.announce(memberOf("renews"), SHORT_MS);
      await node.announce(memberOf("renews"));
      const told = await node.announce(memberOf("silent"), SHORT_MS);
      assert.deepEqual(
        told.members.map(({ id }) => id),
        ["renews", "silent"],
      );
      let seen = await other.look();
      await until("the silent one has vanished", async () => {
        seen = await other.look();
        return seen.members.length < 2;
      });
      assert.deepEqual(
        seen.members.map(({ id }) => id),
        ["renews"],
      );
      assert.ok(seen.now >= told.now + SHORT_MS, `vanished after ${seen.now - told.now} ms of ${SHORT_MS}`);
      assert.deepEqual(await node.ids(), ["renews"], "for all");
    },
  ),

  law("a node may shorten its time", async (node) => {
    await node.announce(memberOf("a"));
    await node.announce(memberOf("a"), SHORT_MS);
    await until("it has vanished", async () => (await node.ids()).length === 0);
  }),

  law("whoever leaves is gone at once, and the others stay", async (node, stage) => {
    const other = await stage.open();
    await node.announce(memberOf("a"));
    await other.announce(memberOf("b"));
    await node.leave("a");
    assert.deepEqual(await other.ids(), ["b"]);
    assert.deepEqual(await node.ids(), ["b"]);
    await node.leave("a");
    await node.leave("nobody");
    assert.deepEqual(await other.ids(), ["b"]);
    await node.announce(memberOf("a"));
    assert.deepEqual(await other.ids(), ["a", "b"], "and may come back");
  }),

  law("of 100 that announce at once each sees itself, and in the end each sees all", async (node, stage) => {
    const nodes = [node, await stage.open(), await stage.open()];
    const ids = Array.from({ length: 100 }, (_, i) => `node-${i + 100}`);
    const seen = await Promise.all(ids.map((id, i) => nodes[i % 3]?.announce(memberOf(id))));
    seen.forEach((one, i) => {
      assert.ok(one?.members.some(({ id }) => id === ids[i]));
    });
    for (const one of nodes) assert.deepEqual(await one.ids(), ids);
  }),

  law("networks do not see each other", async (node, stage) => {
    const elsewhere = await stage.open(`${stage.network}-2`);
    await node.announce(memberOf("a"));
    assert.deepEqual(await elsewhere.ids(), []);
    await elsewhere.leave("a");
    assert.deepEqual(await node.ids(), ["a"]);
  }),

  law("`now` is the store's time, and goes on", async (node, stage) => {
    const first = await node.announce(memberOf("a"));
    const other = await stage.open();
    assert.ok(Math.abs(first.now - stage.backend.clock.epochMs()) < 5_000, "of one machine's clock");
    assert.ok(Number.isSafeInteger(first.now));
    let seen = first;
    await until("time has passed", async () => {
      const before = seen.now;
      seen = await other.look();
      assert.ok(seen.now >= before);
      return seen.now > first.now;
    });
  }),

  law("members that cannot be read are left out, and fields of other versions", async (node, stage) => {
    const { plant } = stage.backend;
    assert.ok(plant !== undefined);
    const readable = memberOf("b");
    const { leaving: _, ...lacking } = memberOf("c");
    await plant(stage.network, "a", "not JSON");
    await plant(stage.network, "b", JSON.stringify({ ...readable, zone: "eu", types: ["account"] }));
    await plant(stage.network, "c", JSON.stringify(lacking));
    await plant(stage.network, "d", JSON.stringify({ ...memberOf("d"), types: "account" }));
    await plant(stage.network, "e", JSON.stringify({ ...memberOf("e"), id: "e e" }));
    await plant(stage.network, "f", JSON.stringify({ ...memberOf("f"), partitions: [1, -1] }));
    await plant(stage.network, "g", "null");
    await plant(stage.network, "h", "");
    const { members } = await node.announce(memberOf("z"));
    assert.deepEqual(members, [readable, memberOf("z")]);
  }),
];
