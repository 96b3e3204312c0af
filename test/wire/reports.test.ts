// Lines in the log about other nodes: each once a minute, and not more than a few in a second.

import { expect, test } from "vitest";
import { Reports } from "../../src/wire/reports.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";

test("the same line once a minute, and then how often it would have been said", () => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const reports = new Reports((line) => lines.push(line), clock);
  for (let i = 0; i < 50; i++) {
    reports.say("refused a");
    clock.pass(1_000);
  }
  expect(lines).toEqual(["refused a"]);
  clock.pass(10_000);
  reports.say("refused a");
  expect(lines.slice(1)).toEqual(["refused a (and 49 times since the last line)"]);
});

test("of different lines ten in a second, and then how many were left out", () => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const reports = new Reports((line) => lines.push(line), clock);
  for (let i = 0; i < 5_000; i++) reports.say(`refused ${i}`);
  expect(lines).toHaveLength(10);
  clock.pass(1_000);
  reports.say("refused z");
  expect(lines.slice(10)).toEqual(["4990 more lines about other nodes were left out", "refused z"]);
});

test("what a stranger wrote cannot make a line of its own, nor a long one", () => {
  const lines: string[] = [];
  const reports = new Reports((line) => lines.push(line), new VirtualClock());
  reports.say(`refused a\nroot logged in \u001b[2J${"x".repeat(5_000)}`);
  expect(lines[0]).toMatch(/^refused a\?root logged in \?\[2Jx+$/);
  expect(lines[0]).toHaveLength(300);
});
