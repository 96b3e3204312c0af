// The laws of ports/views.ts, and of what commits do to rows: what each backend is held to.

import type { Law } from "./backend.ts";
import { buildingLaws } from "./views/building.ts";
import { committingLaws } from "./views/committing.ts";
import { findingLaws } from "./views/finding.ts";
import type { ViewsBackend } from "./views/law.ts";
import { servingLaws } from "./views/serving.ts";

export const viewsLaws: readonly Law<ViewsBackend>[] = [
  ...committingLaws,
  ...findingLaws,
  ...buildingLaws,
  ...servingLaws,
];
