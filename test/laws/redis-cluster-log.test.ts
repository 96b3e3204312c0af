// The network's log and its subscriptions, on a Redis Cluster of three masters, keep their laws.

import { afterAll } from "vitest";
import { cursorsLaws } from "../../src/laws/cursors.ts";
import { logReaderLaws } from "../../src/laws/log-reader.ts";
import { redisLog } from "../harness/log-backends.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { runLaws } from "./run.ts";

const cluster = await RedisCluster.start({ nodeUser: true });
afterAll(() => cluster.stop());
runLaws([...logReaderLaws, ...cursorsLaws], redisLog(cluster.url, cluster.nodeUrl, cluster.masters));
