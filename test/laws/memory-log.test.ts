// The network's log and its subscriptions, in memory, keep their laws.

import { describe } from "vitest";
import { cursorsLaws } from "../../src/laws/cursors.ts";
import { logReaderLaws } from "../../src/laws/log-reader.ts";
import { memoryLog } from "../harness/log-backends.ts";
import { runLaws } from "./run.ts";

const laws = [...logReaderLaws, ...cursorsLaws];
describe("the log and its cursors", () => runLaws(laws, memoryLog()));
