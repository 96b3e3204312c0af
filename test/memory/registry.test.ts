// Membership and leases in memory go by the clock that they are given, and by nothing else: what deterministic tests of
// a cluster stand on.

import { expect, test } from "vitest";
import type { Member } from "../../src/core/member.ts";
import { MemoryClaims, MemoryLeases } from "../../src/memory/leases.ts";
import { MemoryMembers, MemoryMembership } from "../../src/memory/membership.ts";
import type { LeaseResult } from "../../src/ports/leases.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";

const NEVER = Number.POSITIVE_INFINITY;

const member: Member = {
  id: "a",
  address: "10.0.0.1:7946",
  http: null,
  since: 1,
  protocol: 1,
  code: "1",
  types: [],
  effects: [],
  partitions: [],
  leaving: false,
};

test("a member lives for its time to the millisecond", async () => {
  const clock = new VirtualClock();
  const members = new MemoryMembers(clock);
  const [one, two] = [new MemoryMembership(clock, members), new MemoryMembership(clock, members)];
  const now = clock.epochMs();
  expect(await one.announce(member, 500, NEVER)).toEqual({ kind: "seen", now, members: [member] });
  clock.pass(499);
  expect(await two.look(NEVER)).toEqual({ kind: "seen", now: now + 499, members: [member] });
  clock.pass(1);
  expect(await two.look(NEVER)).toEqual({ kind: "seen", now: now + 500, members: [] });
});

test("a claim lasts until its `until` to the millisecond", async () => {
  const clock = new VirtualClock();
  const claims = new MemoryClaims(clock);
  const [one, two] = [new MemoryLeases(clock, claims, 500), new MemoryLeases(clock, claims, 500)];
  const until = clock.monotonicMs() + 500;
  const first: LeaseResult = await one.acquire(3, NEVER);
  expect(first).toEqual({ kind: "held", lease: { partition: 3, until } });
  if (first.kind !== "held") return;
  clock.pass(499);
  expect(await two.acquire(3, NEVER)).toEqual({ kind: "taken" });
  clock.pass(1);
  expect(await one.extend(first.lease, NEVER)).toEqual({ kind: "taken" });
  expect(await two.acquire(3, NEVER)).toMatchObject({ kind: "held" });
});
