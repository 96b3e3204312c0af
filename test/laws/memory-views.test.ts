// Views in memory keep their laws.

import { viewsLaws } from "../../src/laws/views.ts";
import { memoryViews } from "../harness/views-backends.ts";
import { runLaws } from "./run.ts";

runLaws(viewsLaws, memoryViews());
