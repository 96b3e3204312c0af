// Views on Redis keep their laws.

import { afterAll } from "vitest";
import { viewsLaws } from "../../src/laws/views.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { redisViews } from "../harness/views-backends.ts";
import { runLaws } from "./run.ts";

const server = await RedisServer.start({ nodeUser: true });
afterAll(() => server.stop());

runLaws(viewsLaws, redisViews(server.nodeUrl));
