// Values that no message may hold, each made anew, and messages that hold one somewhere.

import fc from "fast-check";

class Instance {
  readonly field = 1;
}

function cycle(): object {
  const value: { self?: object } = {};
  value.self = { around: [value] };
  return value;
}

function deep(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function throwing(): never {
  throw new Error("a trap of the caller's");
}

/** Makers: a cycle or a proxy cannot be shrunk, or shown, as a value. */
const badMakers: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  NaN: () => Number.NaN,
  infinity: () => Number.POSITIVE_INFINITY,
  "minus infinity": () => Number.NEGATIVE_INFINITY,
  bigint: () => 10n ** 30n,
  symbol: () => Symbol("s"),
  function: () => throwing,
  date: () => new Date(0),
  map: () => new Map([["a", 1]]),
  set: () => new Set([1]),
  bytes: () => new Uint8Array(3),
  regexp: () => /x/,
  error: () => new Error("x"),
  instance: () => new Instance(),
  "boxed text": () => Object("text"),
  promise: () => Promise.resolve(1),
  "rejected promise": () => {
    const promise = Promise.reject(new Error("never looked at"));
    promise.catch(() => {});
    return promise;
  },
  hole: () => new Array(3),
  cycle,
  deep: () => deep(101),
  "very deep": () => deep(50_000),
  "own __proto__": () => JSON.parse('{"__proto__":{"polluted":true}}'),
  "constructor.prototype": () => ({ constructor: { prototype: { polluted: true } } }),
  getter: () => Object.defineProperty({}, "x", { enumerable: true, get: throwing }),
  "getter that throws nothing that has text": () =>
    Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw Object.create(null);
      },
    }),
  "revoked proxy": revoked,
  "proxy of traps": () => new Proxy({}, { ownKeys: throwing, get: throwing, getPrototypeOf: throwing }),
  "constructor without a name": () => Object.create({ constructor: { name: Symbol("n") }, a: 1 }),
};

/** A list that has no end. */
export function endless(): unknown {
  return new Proxy([], { get: (_, key) => (key === "length" ? Number.POSITIVE_INFINITY : 1) });
}

export interface BadValue {
  readonly name: string;
  readonly make: () => unknown;
}

export const badValue: fc.Arbitrary<BadValue> = fc
  .constantFrom(...Object.entries(badMakers))
  .map(([name, make]) => ({ name, make, [fc.toStringMethod]: () => name }));

/** Where in a message it stands: keys and places, from the outside in. */
const path = fc.array(
  fc.oneof(fc.string({ maxLength: 5 }), fc.nat(3), fc.constantFrom("constructor", "length", "type")),
  {
    minLength: 1,
    maxLength: 12,
  },
);

export interface BadMessage {
  readonly name: string;
  readonly make: () => unknown;
}

/** A message of this type that holds a bad value somewhere. */
export function badMessage(type: string): fc.Arbitrary<BadMessage> {
  return fc.tuple(badValue, path).map(([bad, steps]) => {
    const name = `${bad.name} at ${steps.join(".")}`;
    const make = () => ({
      type,
      held: steps.reduceRight<unknown>((inner, step) => hold(step, inner), bad.make()),
    });
    return { name, make, [fc.toStringMethod]: () => name };
  });
}

function hold(step: string | number, inner: unknown): unknown {
  if (typeof step === "number") return [...Array.from({ length: step }, () => null), inner];
  return Object.fromEntries([[step === "__proto__" ? "proto" : step, inner]]);
}

/** Plain JSON with keys and texts that code stumbles over. */
export const oddJson: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 6, stringUnit: "binary" })
  .map(withoutProto);

const oddKeys = [
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "prototype",
  "then",
  "toJSON",
  "0",
  "",
  "$",
  "\n",
  "\ud800",
];

export const oddObject: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(
  fc.oneof(fc.constantFrom(...oddKeys), fc.string({ unit: "binary" })).filter((key) => key !== "__proto__"),
  oddJson,
  { noNullPrototype: true },
);

function withoutProto(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part) => (key === "__proto__" ? undefined : part)) ?? "null");
}
