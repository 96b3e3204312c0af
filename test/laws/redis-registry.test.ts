// Membership and leases on Redis keep their laws.

import { afterAll, describe } from "vitest";
import { leasesLaws } from "../../src/laws/leases.ts";
import { membershipLaws } from "../../src/laws/membership.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { redisLeases, redisMembership } from "../harness/registry-backends.ts";
import { runLaws } from "./run.ts";

const server = await RedisServer.start({ nodeUser: true });
const servers = { name: "redis", all: [server], urls: [server.url], nodeUrls: [server.nodeUrl] };
afterAll(() => server.stop());

describe("membership", () => runLaws(membershipLaws, redisMembership(servers)));
describe("leases", () => runLaws(leasesLaws, redisLeases(servers)));
