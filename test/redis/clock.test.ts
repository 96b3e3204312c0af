// Redis's time, without asking for it.

import { expect, test } from "vitest";
import { RedisClock } from "../../src/redis/redis-clock.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";

test("it goes on with the monotonic clock, and is right again when it is told", () => {
  const clock = new VirtualClock();
  const redis = new RedisClock(clock);
  redis.saw(1_000_000);
  clock.pass(2_500.7);
  expect(redis.now()).toBe(1_002_500);
  // The machine slept for an hour, in which its monotonic clock stood still; the next reply says so.
  redis.saw(4_602_500);
  expect(redis.now()).toBe(4_602_500);
});
