// The laws of ports/transport.ts, every sentence of it.

import type { Law } from "./backend.ts";
import { addressingLaws } from "./transport/addressing.ts";
import { deliveringLaws } from "./transport/delivering.ts";
import { endingLaws } from "./transport/ending.ts";
import type { TransportBackend } from "./transport/law.ts";
import { limitLaws } from "./transport/limits.ts";
import { silenceLaws } from "./transport/silence.ts";

export const transportLaws: readonly Law<TransportBackend>[] = [
  ...deliveringLaws,
  ...addressingLaws,
  ...limitLaws,
  ...endingLaws,
  ...silenceLaws,
];
