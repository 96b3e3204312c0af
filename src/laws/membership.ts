// The laws of ports/membership.ts, every sentence of it.

import type { Law } from "./backend.ts";
import { announcingLaws } from "./membership/announcing.ts";
import type { MembershipBackend } from "./membership/law.ts";
import { nudgingLaws } from "./membership/nudging.ts";
import { servingLaws } from "./membership/serving.ts";

export const membershipLaws: readonly Law<MembershipBackend>[] = [
  ...announcingLaws,
  ...nudgingLaws,
  ...servingLaws,
];
