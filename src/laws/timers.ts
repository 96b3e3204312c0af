// The laws of ports/timers.ts: what each backend is held to. What commits do to timers is among those of the event store.

import type { Law } from "./backend.ts";
import type { TimersBackend } from "./timers/law.ts";
import { readingLaws } from "./timers/reading.ts";
import { servingLaws } from "./timers/serving.ts";
import { settingAsideLaws } from "./timers/setting-aside.ts";

export const timersLaws: readonly Law<TimersBackend>[] = [
  ...readingLaws,
  ...settingAsideLaws,
  ...servingLaws,
];
