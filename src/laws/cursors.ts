// The laws of ports/cursors.ts, every sentence of it.

import type { Law } from "./backend.ts";
import { changingLaws } from "./cursors/changing.ts";
import { movingLaws } from "./cursors/moving.ts";
import type { LogBackend } from "./log/law.ts";

export const cursorsLaws: readonly Law<LogBackend>[] = [...changingLaws, ...movingLaws];
