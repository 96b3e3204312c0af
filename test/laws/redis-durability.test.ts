// Durability on a Redis with one replica keeps its laws.

import { afterAll } from "vitest";
import { durabilityLaws } from "../../src/laws/durability.ts";
import { redisDurability, replicaOf } from "../harness/durability-backends.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { runLaws } from "./run.ts";

const master = await RedisServer.start({ nodeUser: true });
const replica = await replicaOf(master);
afterAll(() => Promise.all([master.stop(), replica.stop()]));

runLaws(durabilityLaws, redisDurability(master.nodeUrl, [replica], 1));
