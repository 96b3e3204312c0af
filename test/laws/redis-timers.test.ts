// Timers on Redis keep their laws.

import { afterAll } from "vitest";
import { timersLaws } from "../../src/laws/timers.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { redisTimers } from "../harness/timers-backends.ts";
import { runLaws } from "./run.ts";

const server = await RedisServer.start({ nodeUser: true });
afterAll(() => server.stop());

runLaws(timersLaws, redisTimers(server.nodeUrl));
