// The log on Redis keeps the laws.

import { eventStoreLaws } from "../../src/laws/event-store.ts";
import { openRedisBackend } from "../harness/redis-backend.ts";
import { someRedis } from "../harness/some-redis.ts";
import { runLaws } from "./run.ts";

const { url, nodeUrl, stop } = await someRedis();
runLaws(eventStoreLaws, await openRedisBackend(url, nodeUrl, stop));
