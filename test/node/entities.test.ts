// What there is: every entity that has records, in pages, whatever else is in this Redis.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defineEntity, newId, Pachyderm, type PachydermError } from "../../src/index.ts";
import { HttpNode, problemIn } from "../harness/http-node.ts";
import { type SomeRedis, someRedis } from "../harness/some-redis.ts";

const define = (type: string, formerly: readonly string[] = []) =>
  defineEntity({
    type,
    formerly,
    init: () => 0,
    handle: ({ times = 1 }: { type: "do"; times?: number }) =>
      Array.from({ length: times }, () => ({ type: "done" as const })),
    update: (_: { type: "done" }, n) => n + 1,
  });
const old = define("crate");
const box = define("box", ["crate"]);
const bag = define("bag");

const network = `list-${randomBytes(6).toString("hex")}`;
let redis: SomeRedis;
let http: HttpNode;
beforeAll(async () => {
  redis = await someRedis();
  http = await HttpNode.start(redis.url, { start: { entities: [box, bag], network } });
});
afterAll(async () => {
  await http.stop();
  await redis.stop();
});

async function all(
  node: Pachyderm,
  options: { type?: string; limit?: number } = {},
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await node.entities(after === undefined ? options : { ...options, after });
    expect(page.entities.length).toBeLessThanOrEqual(options.limit ?? 100);
    found.push(...page.entities.map(({ id, type }) => `${id} ${type}`));
    after = page.next;
  }
  expect(new Set(found).size).toBe(found.length);
  return found.toSorted();
}

describe.each(["redis", "memory"] as const)("on %s", (where) => {
  let node: Pachyderm;
  let others: readonly string[];
  beforeAll(async () => {
    node = where === "redis" ? http.pachyderm : await Pachyderm.start({ entities: [box, bag] });
    others = await all(node);
  });
  afterAll(async () => {
    if (where === "memory") await node.stop();
  });

  test("each entity that has records, once, in pages of any size; of one type where it is asked for", async () => {
    const made = Array.from({ length: 250 }, (_, i) => (i % 3 === 0 ? bag : box).ref(newId()));
    await Promise.all(made.map((ref) => node.send(ref, { type: "do" })));
    await node.send(box.ref(newId()), { type: "do", times: 0 }); // nothing happened to it
    const expected = [...others, ...made.map(({ id, type }) => `${id} ${type}`)].toSorted();
    for (const limit of [1_000, 100, 33, 3]) expect(await all(node, { limit })).toEqual(expected);
    const bags = expected.filter((one) => one.endsWith(" bag"));
    expect(await all(node, { type: "bag", limit: 7 })).toEqual(bags);
    expect(await all(node, { type: "nobody" })).toEqual([]);
    const [ref = bag.ref(newId())] = made;
    await node.destroy(ref);
    expect(await all(node)).toEqual(expected.filter((one) => !one.startsWith(ref.id)));
  });

  test("what cannot be is refused", async () => {
    for (const options of [{ limit: 0 }, { limit: 1_001 }, { after: "x" }, { after: "32." }, { of: "bag" }]) {
      const refused = await node.entities(options).catch(({ code }: PachydermError) => code);
      expect(refused, JSON.stringify(options)).toBe("INVALID_OPTIONS");
    }
  });
});

test("an entity that was made under an earlier name of its type is of the type", async () => {
  const id = newId();
  await using before = await Pachyderm.start({ entities: [old], redis: redis.url, network });
  await before.send(old.ref(id), { type: "do" });
  expect(await all(http.pachyderm, { type: "box" })).toContain(`${id} crate`);
  expect(await all(http.pachyderm, { type: "bag" })).not.toContain(`${id} crate`);
});

test("over HTTP the same", async () => {
  const { entities, next } = await http.pachyderm.entities({ limit: 3 });
  expect((await http.get("/entities?limit=3")).body).toEqual({ entities, next });
  expect((await http.get(`/entities?limit=3&after=${next}`)).body).toEqual(
    await http.pachyderm.entities({ limit: 3, after: next ?? "" }),
  );
  expect(problemIn(await http.get("/entities?limit=0"))).toBe("400 INVALID_OPTIONS not-committed");
});
