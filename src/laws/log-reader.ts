// The laws of ports/log-reader.ts, every sentence of it.

import type { Law } from "./backend.ts";
import type { LogBackend } from "./log/law.ts";
import { losingLaws } from "./log-reader/losing.ts";
import { readingLaws } from "./log-reader/reading.ts";
import { recordLaws } from "./log-reader/records.ts";
import { servingLaws } from "./log-reader/serving.ts";

export const logReaderLaws: readonly Law<LogBackend>[] = [
  ...readingLaws,
  ...losingLaws,
  ...recordLaws,
  ...servingLaws,
];
