// Who fires timers: how often it looks, how many it has on their way, and what it does with those that fail.

import { afterEach, beforeEach, expect, test } from "vitest";
import { PachydermError } from "../../src/core/errors.ts";
import type { SignalPayloads } from "../../src/core/signals.ts";
import type { Sender } from "../../src/engine/envelope.ts";
import { MOST_TRIES } from "../../src/engine/firings.ts";
import { TimerDuty } from "../../src/engine/timer-duty.ts";
import { newId } from "../../src/index.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { MemoryTimers } from "../../src/memory/timers.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { StoredTimer } from "../../src/ports/timers.ts";
import { turns } from "../harness/engine-node.ts";
import { until } from "../harness/until.ts";

const P = 3;
let log: MemoryLog;
let timers: CountingTimers;
let duty: TimerDuty;
/** What was fired, and who waits for its end. */
let fired: { name: string; lateMs: number; missed: number; sender: Sender; id: string }[];
let failed: SignalPayloads["timer-failed"][];
let launch: (name: string, sender: Sender) => void;

/** One that waits for the look of once a second is later than this, milliseconds; and no machine is held up for so long. */
const IN_TIME_MS = 700;

class CountingTimers extends MemoryTimers {
  looks = 0;
  /** When it was looked last, performance.now(). */
  lookedAt = 0;
  /** By partition. */
  readonly looksAt = new Map<number, number>();
  unavailable = 0;

  override async due(...args: Parameters<MemoryTimers["due"]>): ReturnType<MemoryTimers["due"]> {
    this.looks += 1;
    this.lookedAt = performance.now();
    for (const { partition } of args[0]) this.looksAt.set(partition, (this.looksAt.get(partition) ?? 0) + 1);
    if (this.unavailable === 0) return await super.due(...args);
    this.unavailable -= 1;
    return args[0].map(() => ({ kind: "unavailable", reason: "Redis is gone" }));
  }
}

beforeEach(() => {
  log = new MemoryLog(systemClock);
  timers = new CountingTimers(systemClock, log);
  fired = [];
  const own: typeof failed = []; // what the test before still has on its way is none of this one's
  failed = own;
  launch = () => {};
  duty = new TimerDuty({
    timers,
    clock: systemClock,
    launch: ({ id }, _message, { name, lateMs, missed }, sender) => {
      fired.push({ id, name, lateMs, missed, sender });
      launch(name, sender);
    },
    failed: (payload) => void own.push(payload),
  });
});
afterEach(() => duty.close());

function put(name: string, inMs: number, parts: Partial<StoredTimer> = {}, partition = P): string {
  const id = newId();
  const dueAt = log.now() + inMs;
  const base = { name, generation: newId(), dueAt, everyMs: null, tries: 0, type: "alarm", parked: null };
  log.timers.put({ id, partition }, { ...base, message: '{"type":"ring"}', ...parts });
  return id;
}

/** As the commit that handles it would. */
function handle({ id, name, sender }: (typeof fired)[number], partition = P): void {
  log.timers.remove({ id, partition }, name);
  sender.resolve(undefined, true);
}

const namesOf = () => fired.map(({ name }) => name);
const rejectWith = (code: "HANDLER_FAILED" | "REJECTED" | "MAILBOX_FULL") => (_: string, sender: Sender) =>
  queueMicrotask(() => sender.reject(new PachydermError(code, "the test says so"), false));

test("what is due is fired at once, what is to come at its time, and nothing where the partition is another's", async () => {
  put("other", 0, {}, P + 1);
  put("now", 0);
  put("soon", 60);
  duty.begin(P);
  await until("both are fired", () => fired.length === 2);
  expect(namesOf()).toEqual(["now", "soon"]);
  expect(fired[1]?.lateMs).toBeLessThan(IN_TIME_MS);
});

test("a partition in which nothing is to come is looked at about once a second", async () => {
  for (let partition = 0; partition < 32; partition++) duty.begin(partition);
  put("far", 3_600_000);
  await until("it looked twice", () => timers.looks >= 2);
  // Between two looks, and not between what this test, which may be held up, has seen of them.
  const [looks, from] = [timers.looks, timers.lookedAt];
  await until("it looked again", () => timers.looks > looks);
  expect(timers.lookedAt - from).toBeGreaterThan(700);
});

test("one that is set by a commit of this node is fired in time, though nothing was to come", async () => {
  duty.begin(P);
  await until("it looked", () => timers.looks > 0);
  put("hinted", 30);
  duty.scheduled(P, 30);
  await until("it is fired", () => fired.length === 1);
  expect(fired[0]?.lateMs).toBeLessThan(IN_TIME_MS);
});

test("one that is set in another node's partition is fired here too, if that node could come too late", async () => {
  put("soon", 30);
  duty.scheduled(P, 30);
  put("sooner", 10);
  put("later", 300);
  await until("all of them are fired", () => fired.length === 3);
  expect(fired.every(({ lateMs }) => lateMs < IN_TIME_MS)).toBe(true);
  for (const one of fired) handle(one);
  put("its owner's", 3_000);
  duty.scheduled(P, 3_000);
  // Its own partition it looks at once a second: so often it would have looked there, too.
  duty.begin(P + 1);
  const looks = (partition: number): number => timers.looksAt.get(partition) ?? 0;
  await until("it looks at its own, and not there any more", async () => {
    const [own, there] = [looks(P + 1), looks(P)];
    await until("it looked at its own again", () => looks(P + 1) >= own + 2);
    return looks(P) === there;
  });
});

test("what is on its way is not fired again, however often it is read", async () => {
  duty.begin(P);
  put("slow", 0);
  for (let i = 1; i <= 10; i++) put(`n${i}`, i * 5);
  await until("all are fired", () => fired.length === 11);
  expect(new Set(namesOf()).size).toBe(11);
});

test("of many that are due, so many are on their way and no more; all of them come in the end, once", async () => {
  for (let partition = 0; partition < 8; partition++) {
    for (let i = 0; i < 1_000; i++) put(`p${partition}-${i}`, -1, {}, partition);
    duty.begin(partition);
  }
  await until("it has as many as it takes", () => fired.length === 1_024);
  // One more of a partition that had not its full share, which a commit of this node has set: there is no room for it.
  put("p9-one-more", 0, {}, 9);
  duty.begin(9);
  duty.scheduled(9, 0);
  await turns(20);
  expect(fired.length).toBe(1_024);
  let done = 0;
  await until("all are fired", () => {
    for (; done < fired.length; done++) {
      const one = fired[done];
      if (one !== undefined) handle(one, Number(one.name.slice(1, 2)));
    }
    return fired.length >= 8_001;
  });
  expect(new Set(namesOf()).size).toBe(8_001);
});

test("of one partition, so many are on their way that others have room", async () => {
  for (let i = 0; i < 1_000; i++) put(`n${i}`, -1);
  duty.begin(P);
  await until("it has as many as it takes", () => fired.length === 256);
  put("other", 0, {}, P + 1);
  duty.begin(P + 1);
  await until("the other partition's is fired", () => namesOf().includes("other"));
  expect(fired.length).toBe(257);
});

test("ended, it waits for what is on its way, and fires nothing more", async () => {
  put("first", 0);
  duty.begin(P);
  await until("one is fired", () => fired.length === 1);
  put("second", 20);
  const secondIsDue = log.now() + 20;
  let ended = false;
  const end = duty.end(P, systemClock.monotonicMs() + 10_000).then(() => (ended = true));
  await until("the second is due", () => log.now() > secondIsDue);
  await turns(20);
  expect(ended).toBe(false);
  const [first] = fired;
  if (first !== undefined) handle(first);
  await end;
  expect(namesOf()).toEqual(["first"]);
});

test("ended, it waits no longer than it is given", async () => {
  put("first", 0);
  duty.begin(P);
  await until("one is fired", () => fired.length === 1);
  await duty.end(P, systemClock.monotonicMs() + 20);
});

test("a store that cannot be asked is asked again", async () => {
  timers.unavailable = 1;
  put("first", 0);
  duty.begin(P);
  await until("it is fired", () => fired.length === 1);
  expect(timers.looks).toBe(2);
});

test("a handler that fails: again after a pause, twice as long each time, and told of", async () => {
  launch = rejectWith("HANDLER_FAILED");
  const id = put("bad", 0);
  duty.begin(P);
  await until("it failed three times", () => failed.length === 3);
  expect(failed.map(({ attempt, parked }) => [attempt, parked])).toEqual([
    [1, false],
    [2, false],
    [3, false],
  ]);
  expect(fired[1]?.lateMs).toBeGreaterThanOrEqual(250);
  expect(fired[2]?.lateMs).toBeGreaterThanOrEqual(750);
  expect(failed[0]).toMatchObject({
    reference: { type: "alarm", id },
    name: "bad",
    error: { code: "HANDLER_FAILED" },
  });
});

test("after the last try it is parked: it stays, with its reason, and is not fired any more", async () => {
  launch = rejectWith("HANDLER_FAILED");
  const id = put("bad", 0, { tries: MOST_TRIES - 1, everyMs: 10 });
  duty.begin(P);
  await until("it is parked", () => failed.length === 1);
  expect(failed[0]).toMatchObject({ attempt: MOST_TRIES, parked: true });
  expect([...log.timers.of({ id, partition: P }).values()]).toMatchObject([
    { name: "bad", tries: MOST_TRIES, parked: "HANDLER_FAILED: the test says so" },
  ]);
  put("good", 20);
  duty.scheduled(P, 20);
  await until("the next one is fired", () => namesOf().includes("good"));
  expect(namesOf()).toEqual(["bad", "good"]);
});

test("one that was handled or cancelled meanwhile has not failed", async () => {
  launch = (name, sender) => {
    const [one] = fired.filter((other) => other.name === name);
    if (one !== undefined) log.timers.remove({ id: one.id, partition: P }, name);
    rejectWith("HANDLER_FAILED")(name, sender);
  };
  put("first", 0);
  put("second", 30);
  duty.begin(P);
  await until("both were fired", () => fired.length === 2);
  await duty.end(P, systemClock.monotonicMs() + 10_000);
  expect(failed).toEqual([]);
});

test("a rejection ends it; what nobody can handle now is tried again, and is nobody's failure", async () => {
  launch = (name, sender) => rejectWith(name === "no" ? "REJECTED" : "MAILBOX_FULL")(name, sender);
  put("full", 0);
  duty.begin(P);
  await until("it is fired again", () => fired.length === 3);
  expect(failed).toEqual([]);
  const [first, second] = fired;
  expect((second?.lateMs ?? 0) - (first?.lateMs ?? 0)).toBeGreaterThanOrEqual(200);
});

test("what nobody can handle for long is put off in the store, and makes room", async () => {
  launch = (name, sender) => {
    if (name !== "good") rejectWith("MAILBOX_FULL")(name, sender);
  };
  for (let i = 0; i < 300; i++) put(`old${i}`, -10_000);
  put("good", -5_000);
  duty.begin(P);
  await until("the good one is fired, which stood behind them", () => namesOf().includes("good"));
  expect(failed).toEqual([]);
});

test("what `launch` throws, and a message that cannot be read, are failures like others", async () => {
  launch = (name) => {
    if (name === "full") throw new PachydermError("MAILBOX_FULL", "full");
    throw new SyntaxError("no JSON");
  };
  put("full", 0);
  put("unreadable", 0);
  duty.begin(P);
  await until("it is told", () => failed.length > 0);
  expect(failed[0]).toMatchObject({ name: "unreadable", error: { code: "UNREADABLE_EVENT" } });
  await until("the other is fired again", () => namesOf().filter((name) => name === "full").length > 1);
});

test("missed ticks of an `every` are counted, by the time at which it was read", async () => {
  put("tick", -1_050, { everyMs: 100 });
  duty.begin(P);
  await until("it is fired", () => fired.length === 1);
  expect(fired[0]?.missed).toBe(Math.floor((fired[0]?.lateMs ?? 0) / 100));
  expect(fired[0]?.missed).toBeGreaterThanOrEqual(10);
});
