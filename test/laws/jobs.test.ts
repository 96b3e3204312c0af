// The queues of durable effects keep their laws: in memory, on Redis, on a Redis Cluster.

import { describe } from "vitest";
import { jobsLaws } from "../../src/laws/jobs.ts";
import { memoryJobs, redisJobs } from "../harness/jobs-backends.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { someRedis } from "../harness/some-redis.ts";
import { runLaws } from "./run.ts";

const { url, stop } = await someRedis();
const cluster = await RedisCluster.start();

describe("memory", () => runLaws(jobsLaws, memoryJobs()));
describe("redis", () => runLaws(jobsLaws, redisJobs(url, stop)));
describe("redis cluster", () =>
  runLaws(
    jobsLaws,
    redisJobs(cluster.url, () => cluster.stop()),
  ));
