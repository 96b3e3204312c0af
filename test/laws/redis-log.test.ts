// The network's log and its subscriptions, on Redis, keep their laws.

import { afterAll } from "vitest";
import { cursorsLaws } from "../../src/laws/cursors.ts";
import { logReaderLaws } from "../../src/laws/log-reader.ts";
import { redisLog } from "../harness/log-backends.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { runLaws } from "./run.ts";

const server = await RedisServer.start({ nodeUser: true });
afterAll(() => server.stop());
runLaws([...logReaderLaws, ...cursorsLaws], redisLog(server.url, server.nodeUrl, [server]));
