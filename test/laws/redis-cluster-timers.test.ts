// Timers on a Redis Cluster keep their laws.

import { afterAll } from "vitest";
import { timersLaws } from "../../src/laws/timers.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { redisTimers } from "../harness/timers-backends.ts";
import { runLaws } from "./run.ts";

const cluster = await RedisCluster.start({ nodeUser: true });
afterAll(() => cluster.stop());

runLaws(timersLaws, redisTimers(cluster.nodeUrl));
