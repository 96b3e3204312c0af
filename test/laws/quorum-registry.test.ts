// Leases that three independent servers grant by majority keep their laws.

import { afterAll } from "vitest";
import { leasesLaws } from "../../src/laws/leases.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { redisLeases } from "../harness/registry-backends.ts";
import { runLaws } from "./run.ts";

const servers = await Promise.all(Array.from({ length: 3 }, () => RedisServer.start({ nodeUser: true })));
afterAll(() => Promise.all(servers.map((server) => server.stop())));

runLaws(
  leasesLaws,
  redisLeases({
    name: "a quorum of three",
    all: servers,
    urls: servers.map(({ url }) => url),
    nodeUrls: servers.map(({ nodeUrl }) => nodeUrl),
  }),
);
