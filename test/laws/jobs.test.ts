// The queues of durable effects keep their laws: in memory, on Redis, on a Redis Cluster.

import { describe } from "vitest";
import { jobsLaws } from "../../src/laws/jobs.ts";
import { memoryJobs, redisJobs } from "../harness/jobs-backends.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { someRedis } from "../harness/some-redis.ts";
import { runLaws } from "./run.ts";

const { nodeUrl, stop } = await someRedis();
const cluster = await RedisCluster.start({ nodeUser: true });

describe("memory", () => runLaws(jobsLaws, memoryJobs()));
describe("redis", () => runLaws(jobsLaws, redisJobs(nodeUrl, stop)));
describe("redis cluster", () =>
  runLaws(
    jobsLaws,
    redisJobs(cluster.nodeUrl, () => cluster.stop()),
  ));
