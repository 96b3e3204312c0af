// The embedded log keeps the laws.

import { eventStoreLaws } from "../../src/laws/event-store.ts";
import { openMemoryBackend } from "../harness/memory-backend.ts";
import { runLaws } from "./run.ts";

runLaws(eventStoreLaws, openMemoryBackend());
