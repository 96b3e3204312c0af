// Work that goes with a partition: begun once, ended once, and never twice at once in one node.

import { expect, test } from "vitest";
import { Duties, type Duty } from "../../src/engine/duties.ts";

class Watched implements Duty {
  readonly said: string[] = [];
  readonly #ends = new Map<number, () => void>();

  begin(partition: number): void {
    this.said.push(`begin ${partition}`);
  }

  end(partition: number): Promise<void> {
    this.said.push(`end ${partition}`);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ends.set(partition, resolve);
    return promise;
  }

  async finish(partition: number): Promise<void> {
    this.#ends.get(partition)?.();
    await new Promise(setImmediate);
  }
}

function watched(): { duties: Duties; duty: Watched } {
  const duties = new Duties();
  const duty = new Watched();
  duties.add(duty);
  return { duties, duty };
}

test("begun once however often it is said, and ended once", async () => {
  const { duties, duty } = watched();
  duties.begin(1);
  duties.begin(1);
  const ended = duties.end(1, 0);
  expect(duties.end(1, 0)).toBe(ended);
  expect(duties.isQuiet(1)).toBe(false);
  await duty.finish(1);
  await ended;
  expect(duties.isQuiet(1)).toBe(true);
  expect(duty.said).toEqual(["begin 1", "end 1"]);
});

test("a partition that comes back while its work ends: begun again when that has ended", async () => {
  const { duties, duty } = watched();
  duties.begin(1);
  void duties.end(1, 0);
  duties.begin(1);
  expect(duty.said).toEqual(["begin 1", "end 1"]);
  await duty.finish(1);
  expect(duty.said).toEqual(["begin 1", "end 1", "begin 1"]);
  expect(duties.isQuiet(1)).toBe(false);
});

test("comes back and goes again meanwhile: not begun", async () => {
  const { duties, duty } = watched();
  duties.begin(1);
  void duties.end(1, 0);
  duties.begin(1);
  void duties.end(1, 0);
  await duty.finish(1);
  expect(duty.said).toEqual(["begin 1", "end 1"]);
  expect(duties.isQuiet(1)).toBe(true);
});

test("a duty that is taken up later begins in the partitions that are held", () => {
  const { duties } = watched();
  duties.begin(1);
  duties.begin(2);
  const late = new Watched();
  duties.add(late);
  expect(late.said).toEqual(["begin 1", "begin 2"]);
});

test("closed: everything ends, and nothing begins any more", async () => {
  const { duties, duty } = watched();
  duties.begin(1);
  duties.begin(2);
  void duties.end(2, 0);
  duties.begin(2);
  const closed = duties.close(0);
  await duty.finish(1);
  await duty.finish(2);
  await closed;
  duties.begin(3);
  expect(duty.said).toEqual(["begin 1", "begin 2", "end 2", "end 1"]);
});
