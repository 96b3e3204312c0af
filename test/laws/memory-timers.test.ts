// Timers in memory keep their laws.

import { timersLaws } from "../../src/laws/timers.ts";
import { memoryTimers } from "../harness/timers-backends.ts";
import { runLaws } from "./run.ts";

runLaws(timersLaws, memoryTimers());
