// References of questions: checked once, and never taken for what they are not.

import { expect, test } from "vitest";
import { KnownReferences } from "../../src/engine/known-references.ts";
import { newId } from "../../src/index.ts";

test("a reference that is known is the same again; another type of its id, or another id, is not", () => {
  const references = new KnownReferences();
  const id = newId();
  const one = references.parse("counter", id);
  expect(one).toEqual({ type: "counter", id });
  expect(Object.isFrozen(one)).toBe(true);
  expect(references.parse("counter", `${id}`)).toBe(one);
  expect(references.parse("account", id)).toEqual({ type: "account", id });
  expect(references.parse("counter", id)).toEqual({ type: "counter", id });
  const other = newId();
  expect(references.parse("counter", other)).toEqual({ type: "counter", id: other });
});

test("an id comes in lower case, whether it is known or not", () => {
  const references = new KnownReferences();
  const id = newId();
  for (let i = 0; i < 2; i++)
    expect(references.parse("counter", id.toUpperCase())).toEqual({ type: "counter", id });
});

test("what is no reference is refused, each time", () => {
  const references = new KnownReferences();
  const id = newId();
  references.parse("counter", id);
  for (let i = 0; i < 2; i++) {
    expect(() => references.parse("1counter", id)).toThrow(/type of a reference/);
    expect(() => references.parse("counter", `${id} `)).toThrow(/id of a reference/);
  }
});

test("of very many the last ones are known", () => {
  const references = new KnownReferences();
  const ids = Array.from({ length: 5_000 }, () => newId());
  for (const id of ids) expect(references.parse("counter", id).id).toBe(id);
  const last = references.parse("counter", ids.at(-1) ?? "");
  expect(references.parse("counter", ids.at(-1) ?? "")).toBe(last);
});
