// Membership and leases on a Redis Cluster keep their laws.

import { afterAll, describe } from "vitest";
import { leasesLaws } from "../../src/laws/leases.ts";
import { membershipLaws } from "../../src/laws/membership.ts";
import { RedisCluster } from "../harness/redis-cluster.ts";
import { redisLeases, redisMembership } from "../harness/registry-backends.ts";
import { runLaws } from "./run.ts";

const cluster = await RedisCluster.start({ nodeUser: true });
const servers = {
  name: "redis-cluster",
  all: cluster.masters,
  urls: [cluster.url],
  nodeUrls: [cluster.nodeUrl],
};
afterAll(() => cluster.stop());

describe("membership", () => runLaws(membershipLaws, redisMembership(servers)));
describe("leases", () => runLaws(leasesLaws, redisLeases(servers)));
