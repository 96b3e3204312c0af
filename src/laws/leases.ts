// The laws of ports/leases.ts, every sentence of it.

import type { Law } from "./backend.ts";
import { claimingLaws } from "./leases/claiming.ts";
import { endingLaws } from "./leases/ending.ts";
import type { LeasesBackend } from "./leases/law.ts";
import { servingLaws } from "./leases/serving.ts";

export const leasesLaws: readonly Law<LeasesBackend>[] = [...claimingLaws, ...endingLaws, ...servingLaws];
