// The log on a Redis Cluster keeps the laws.

import { eventStoreLaws } from "../../src/laws/event-store.ts";
import { openRedisBackend } from "../harness/redis-backend.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { runLaws } from "./run.ts";

const cluster = await RedisCluster.start({ nodeUser: true });
runLaws(eventStoreLaws, await openRedisBackend(cluster.url, cluster.nodeUrl, () => cluster.stop()));
