// What a timer costs the commit that sets it, or cancels it: the same counter with and without, 64 sends in flight, of one
// entity (whose turns go together) and of many (each message a commit of its own). And what the same writes cost a bare
// script, in the same run: what a Redis that does nothing else can keep.

import { Kept } from "../kept.ts";
import { groupLine, groupTimersLine } from "../lines/group.ts";
import type { Scenario } from "./scenario.ts";
import { RATE, throughput } from "./throughput.ts";

const SHAPES = [
  { title: "1 entity", inFlight: 64, counters: 1 },
  { title: "1,000 entities", inFlight: 64, counters: 1_000 },
];

const LESSONS = SHAPES.map(({ inFlight, counters }) => ({ inFlight, counters, ms: 8_000 }));

let lines: readonly Kept[] = [];

export const timers: Scenario = {
  name: "timers",
  fsync: ["everysec"],
  async prepare(around) {
    const { pachyderm } = around;
    if (pachyderm === undefined) return [];
    lines = [
      pachyderm.line({ log: true, snapshot: true }, "Pachyderm, no timers"),
      pachyderm.line({ log: true, snapshot: true, timers: true }, "Pachyderm, set and cancel"),
    ].map((line) => new Kept(line, LESSONS));
    const contests = SHAPES.map(({ title, ...shape }) => ({
      title: `timers: ${title}, ${shape.inFlight} in flight`,
      contestants: lines.map((line) => throughput(line, shape, around)),
      floors: [
        { contestant: "Pachyderm, set and cancel", figure: RATE, of: "ratio" as const, atLeast: 0.85 },
      ],
    }));
    const bare = SHAPES.map(({ title, ...shape }) => ({
      title: `timers, raw: ${title}, ${shape.inFlight} in flight, no framework`,
      contestants: [groupLine, groupTimersLine].map((line) => throughput(line, shape, around)),
      floors: [],
    }));
    return [...contests, ...bare];
  },
  async end() {
    for (const line of lines) await line.end();
  },
};
