// The package `redlock` is what redlock.d.ts, ballot.ts and leases.ts take it for: a beta is pinned, and an upgrade that
// changes any of this fails here.

import { readFileSync } from "node:fs";
import Redlock, { ExecutionError, Lock, type RedlockClient } from "redlock";
import { expect, test } from "vitest";

const settings = { driftFactor: 0, retryCount: 0, retryDelay: 0, retryJitter: 0 } as const;

/** A server that gives the answers that it was told to, in their order, and notes what it was asked. */
class Told implements RedlockClient {
  readonly asked: (readonly unknown[])[] = [];
  readonly #answers: unknown[];

  constructor(...answers: unknown[]) {
    this.#answers = answers;
  }

  evalsha(sha: string, keys: number, parts: readonly (string | number)[]): Promise<unknown> {
    return this.#answer(["evalsha", sha.length, keys, ...parts]);
  }

  eval(script: string, keys: number, parts: readonly (string | number)[]): Promise<unknown> {
    return this.#answer(["eval", /redis\.call\("(\w+)"/.exec(script)?.[1], keys, ...parts]);
  }

  async #answer(asked: readonly unknown[]): Promise<unknown> {
    this.asked.push(asked);
    const answer = this.#answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

function lockOf(redlock: Redlock, expiration = Number.POSITIVE_INFINITY): Lock {
  return new Lock(redlock, ["key"], "value", [], expiration);
}

test("the version is the one that was read", () => {
  const { version } = JSON.parse(
    readFileSync(new URL("../../node_modules/redlock/package.json", import.meta.url), "utf8"),
  ) as { readonly version: string };
  expect(version).toBe("v5.0.0-beta.2");
});

test("it asks by digest, and with the text where the server does not know it; the value is new each time", async () => {
  const server = new Told(new Error("NOSCRIPT No matching script"), 1, 1);
  const redlock = new Redlock([server], settings);
  const { value } = await redlock.acquire(["key"], 1_000);
  const second = await redlock.acquire(["key"], 1_000);
  expect(server.asked).toEqual([
    ["evalsha", 40, 1, "key", value, 1_000],
    ["eval", "exists", 1, "key", value, 1_000],
    ["evalsha", 40, 1, "key", second.value, 1_000],
  ]);
  expect(value).toMatch(/^[0-9a-f]{32}$/);
  expect(second.value).not.toBe(value);
});

test("a majority decides, of which it does not wait for the rest", async () => {
  const silent = new Told(new Promise(() => {}));
  await new Redlock([new Told(1), silent, new Told(1)], settings).acquire(["key"], 1_000);
});

test("without a majority it releases everywhere, once, and throws ExecutionError", async () => {
  const servers = [new Told(1, 1), new Told(0, 0), new Told(new Error("gone"), 0)];
  await expect(new Redlock(servers, settings).acquire(["key"], 1_000)).rejects.toBeInstanceOf(ExecutionError);
  const values = new Set(servers.map(({ asked }) => asked[0]?.[4]));
  expect(values.size).toBe(1);
  for (const { asked } of servers) expect(asked[1]).toEqual(["evalsha", 40, 1, "key", ...values]);
  for (const { asked } of servers) expect(asked).toHaveLength(2);
});

test("an extension that fails releases nothing, and is asked for once", async () => {
  const servers = [new Told(1), new Told(0), new Told(0)];
  const redlock = new Redlock(servers, settings);
  await expect(redlock.extend(lockOf(redlock), 1_000)).rejects.toBeInstanceOf(ExecutionError);
  for (const { asked } of servers) expect(asked).toEqual([["evalsha", 40, 1, "key", "value", 1_000]]);
});

test("the gaps are still there: by the wall clock it refuses without asking, and half against half never settles", async () => {
  const server = new Told(1);
  const redlock = new Redlock([server], settings);
  await expect(redlock.extend(lockOf(redlock, Date.now() - 1), 1_000)).rejects.toThrow("already-expired");
  expect(server.asked).toEqual([]);

  const halves = [new Told(1), new Told(0)];
  let settled = false;
  const question = new Redlock(halves, settings).acquire(["key"], 1_000);
  question.finally(() => {
    settled = true;
  });
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  expect(halves.map(({ asked }) => asked.length)).toEqual([1, 1]);
  expect(settled).toBe(false);
});
