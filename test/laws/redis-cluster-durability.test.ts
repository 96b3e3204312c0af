// Durability on a Redis Cluster whose masters have a replica each keeps its laws.

import { afterAll } from "vitest";
import { durabilityLaws } from "../../src/laws/durability.ts";
import { redisDurability } from "../harness/durability-backends.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { runLaws } from "./run.ts";

const cluster = await RedisCluster.start({ nodeUser: true, replicas: true });
afterAll(() => cluster.stop());

runLaws(durabilityLaws, redisDurability(cluster.nodeUrl, cluster.replicas, 1));
