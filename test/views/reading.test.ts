// What programs see of views: rows by id and by index, in order, in pages, on any node.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm } from "../../src/index.ts";
import { HttpNode, problemIn } from "../harness/http-node.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";

type Value = number | string | boolean | null;
interface State {
  readonly value: Value;
  readonly hidden: boolean;
}

const item = defineEntity({
  type: "item",
  init: (): State => ({ value: null, hidden: false }),
  handle: (message: { type: "put"; value: Value; group?: string } | { type: "hide" } | { type: "touch" }) =>
    message.type === "touch" ? [{ type: "touched" as const }] : [message],
  update(event: { type: "put"; value: Value } | { type: "hide" } | { type: "touched" }, state): State {
    if (event.type === "touched") return state;
    return event.type === "hide" ? { ...state, hidden: true } : { value: event.value, hidden: false };
  },
  views: {
    all: {
      row: ({ value, hidden }, { id }) => (hidden ? null : { id, value, kind: typeof value }),
      index: ["value", "kind"],
    },
    bare: { row: ({ value }) => ({ value }) },
  },
});

let redis: SomeRedis;
beforeAll(async () => {
  redis = await someRedis();
});
afterAll(() => redis.stop());

describe.each(["memory", "redis"] as const)("on %s", (where) => {
  let node: Pachyderm;
  let other: Pachyderm;
  beforeAll(async () => {
    const options = { entities: [item], network: `views-${randomBytes(6).toString("hex")}` };
    node = await Pachyderm.start(where === "redis" ? { ...options, redis: redis.url } : options);
    other = where === "redis" ? await Pachyderm.start({ ...options, redis: redis.url }) : node;
  });
  afterAll(() => Promise.all([node.stop(), other.stop()]));

  const put = async (value: Value) => {
    const id = newId();
    await node.send(item.ref(id), { type: "put", value });
    return id;
  };

  test("what was sent is there, by id and by index, from another node too; what is hidden is not", async () => {
    const id = await put("read");
    const view = other.view(item, "all");
    expect(await view.get(id)).toEqual({ id, value: "read", kind: "string" });
    expect(await view.find({ by: "value", from: "read", to: "read" })).toEqual({
      rows: [{ id, value: "read", kind: "string" }],
      next: null,
    });
    await node.send(item.ref(id), { type: "put", value: "written" });
    expect((await view.find({ by: "value", from: "read", to: "read" })).rows).toEqual([]);
    expect((await view.get(id))?.value).toBe("written");
    await node.send(item.ref(id), { type: "hide" });
    expect(await view.get(id)).toBeNull();
    expect((await view.find({ by: "value", from: "written", to: "written" })).rows).toEqual([]);
    expect(await other.view(item, "bare").get(id)).toEqual({ value: "written" });
    expect(await view.get(newId())).toBeNull();
  });

  test("values are in order: booleans, numbers, texts; ranges are of one kind, and pages follow on each other", async () => {
    const values = [
      false,
      true,
      -1e300,
      -2.5,
      -1,
      0,
      1e-300,
      1,
      2,
      10,
      1_764_000_000_123,
      "",
      "A",
      "a",
      "aa",
      "b",
      "\u{ffff}",
      "\u{1f418}",
    ];
    const shuffled = [...values].sort(() => Math.random() - 0.5);
    const before = await node.view(item, "all").count();
    await Promise.all(shuffled.map(put));
    const view = other.view(item, "all");
    const found: unknown[] = [];
    for (let after: string | undefined, isLast = false; !isLast; ) {
      const page = await view.find({ by: "value", limit: 4, ...(after === undefined ? {} : { after }) });
      expect(page.rows.length).toBeLessThanOrEqual(4);
      found.push(...page.rows.map(({ value }) => value));
      isLast = page.next === null;
      after = page.next ?? "";
    }
    expect(found).toEqual(values);
    const down = await view.find({ by: "value", order: "descending" });
    expect(down.rows.map(({ value }) => value)).toEqual(values.toReversed());
    const range = async (from?: number | string, to?: number | string) => {
      const given = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
      const { rows } = await view.find({ by: "value", ...given });
      expect(await view.count({ by: "value", ...given })).toBe(rows.length);
      return rows.map(({ value }) => value);
    };
    expect(await range(-1, 2)).toEqual([-1, 0, 1e-300, 1, 2]);
    expect(await range(3)).toEqual([10, 1_764_000_000_123]);
    expect(await range(undefined, -2)).toEqual([-1e300, -2.5]);
    expect(await range("a", "aa")).toEqual(["a", "aa"]);
    expect(await range("b")).toEqual(["b", "\u{ffff}", "\u{1f418}"]);
    expect(await view.count()).toBe(before + values.length);
    expect(await view.count({ by: "kind", from: "number", to: "number" })).toBe(9);
  });

  test("a row that is as it was stays; a destroyed entity has none", async () => {
    const id = await put("kept");
    await node.send(item.ref(id), { type: "touch" });
    const view = other.view(item, "all");
    expect((await view.find({ by: "value", from: "kept", to: "kept" })).rows).toHaveLength(1);
    await node.destroy(item.ref(id));
    expect((await view.find({ by: "value", from: "kept", to: "kept" })).rows).toEqual([]);
    expect(await view.get(id)).toBeNull();
    expect(await other.view(item, "bare").get(id)).toBeNull();
  });
});

test("over HTTP the same", async () => {
  const network = `views-${randomBytes(6).toString("hex")}`;
  const http = await HttpNode.start(redis.url, { start: { entities: [item], network } });
  try {
    const made = [1, 2, "2", true, 10].map((value) => ({ id: newId(), value }));
    for (const { id, value } of made) await http.pachyderm.send(item.ref(id), { type: "put", value });
    const [first] = made;
    expect((await http.get(`/views/item/all/${first?.id}`)).body).toEqual({ ...first, kind: "number" });
    const find = async (query: string) => {
      const { rows } = (await http.get(`/views/item/all?${query}`)).body as { rows: { value: Value }[] };
      return rows.map(({ value }) => value);
    };
    expect(await find("by=value&from=1&to=2")).toEqual([1, 2]);
    expect(await find(`by=value&from=${encodeURIComponent('"2"')}`)).toEqual(["2"]);
    expect(await find("by=value&from=true")).toEqual([true]);
    expect(await find("by=value&order=descending&limit=2")).toEqual(["2", 10]);
    const page = (await http.get("/views/item/all?by=value&limit=2")).body as { next: string };
    expect(await find(`by=value&after=${page.next}`)).toEqual([2, 10, "2"]);
    expect((await http.get("/views/item/all?count=true")).body).toEqual({ count: 5 });
    expect((await http.get("/views/item/all?count=true&by=value&from=2")).body).toEqual({ count: 2 });
    expect(problemIn(await http.get(`/views/item/all/${newId()}`))).toBe("404 NO_ROW not-committed");
    expect(problemIn(await http.get("/views/nobody/all?by=value"))).toBe("404 UNKNOWN_TYPE not-committed");
    for (const bad of ["by=hidden", "by=value&from=1&to=a", "by=value&limit=0", "from=1"])
      expect(problemIn(await http.get(`/views/item/all?${bad}`)), bad).toBe(
        "400 INVALID_OPTIONS not-committed",
      );
    expect(problemIn(await http.get("/views/item/all?by=value&after=x"))).toBe(
      "400 INVALID_CURSOR not-committed",
    );
  } finally {
    await http.stop();
  }
});
