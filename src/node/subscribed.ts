// How far all subscriptions of a partition are: what was committed before is needed by none of them.

import { entryTime } from "../core/log-place.ts";
import type { Cursors } from "../ports/cursors.ts";

/**
 * Epoch ms by the store's clock; infinite where nobody has subscribed; null where it cannot be told. A subscription that is
 * begun or rewound meanwhile is told what is gone when it comes to it (`removed`).
 */
export async function subscribedUpTo(
  cursors: Cursors,
  partition: number,
  deadline: number,
): Promise<number | null> {
  const answer = await cursors.names(partition, deadline);
  if (answer.kind !== "names") return null;
  let least = Number.POSITIVE_INFINITY;
  for (const name of answer.names) {
    const loaded = await cursors.load(name, partition, deadline);
    if (loaded.kind !== "cursor") return null;
    if (loaded.cursor !== undefined) least = Math.min(least, entryTime(loaded.cursor.place.entry));
  }
  return least;
}
