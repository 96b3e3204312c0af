// Views on a Redis Cluster keep their laws.

import { afterAll } from "vitest";
import { viewsLaws } from "../../src/laws/views.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { redisViews } from "../harness/views-backends.ts";
import { runLaws } from "./run.ts";

const cluster = await RedisCluster.start({ nodeUser: true });
afterAll(() => cluster.stop());

runLaws(viewsLaws, redisViews(cluster.nodeUrl));
