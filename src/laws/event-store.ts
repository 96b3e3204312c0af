// The laws of ports/event-store.ts, every sentence of it: what each backend is held to.

import type { Law } from "./backend.ts";
import { appendingLaws } from "./event-store/appending.ts";
import { callingLaws } from "./event-store/calling.ts";
import { comparingLaws } from "./event-store/comparing.ts";
import { destroyingLaws } from "./event-store/destroying.ts";
import { findingLaws } from "./event-store/finding.ts";
import { listingLaws } from "./event-store/listing.ts";
import { racingLaws } from "./event-store/racing.ts";
import { readingLaws } from "./event-store/reading.ts";
import { receiptLaws } from "./event-store/receipts.ts";
import { repeatingLaws } from "./event-store/repeating.ts";
import { servingLaws } from "./event-store/serving.ts";
import { snapshotLaws } from "./event-store/snapshots.ts";
import { textLaws } from "./event-store/texts.ts";
import { timerLaws } from "./event-store/timers.ts";
import { trimmingLaws } from "./event-store/trimming.ts";
import { walkLaws } from "./event-store/walk.ts";

export const eventStoreLaws: readonly Law[] = [
  ...appendingLaws,
  ...comparingLaws,
  ...repeatingLaws,
  ...receiptLaws,
  ...callingLaws,
  ...readingLaws,
  ...findingLaws,
  ...snapshotLaws,
  ...destroyingLaws,
  ...listingLaws,
  ...trimmingLaws,
  ...textLaws,
  ...timerLaws,
  ...racingLaws,
  ...servingLaws,
  ...walkLaws,
];
