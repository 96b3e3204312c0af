// The laws of ports/jobs.ts, and of what ports/event-store.ts says of jobs.

import type { Law } from "./backend.ts";
import { endingLaws } from "./jobs/ending.ts";
import type { JobsBackend } from "./jobs/law.ts";
import { puttingLaws } from "./jobs/putting.ts";
import { runningLaws } from "./jobs/running.ts";

export const jobsLaws: readonly Law<JobsBackend>[] = [...puttingLaws, ...runningLaws, ...endingLaws];
