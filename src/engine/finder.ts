// Third step of a second attempt (before: loader.ts where the entity is cold, after: turn.ts): whether the log holds the
// first one. Many attempts at once are looked for in one go.

import { PachydermError, reasonOf } from "../core/errors.ts";
import type { EventStore, Found } from "../ports/event-store.ts";
import type { Worker } from "./worker.ts";

export function find(store: EventStore, worker: Worker, touch: (worker: Worker) => void): void {
  const need = worker.startFind();
  if (need === undefined) {
    touch(worker); // those who waited for it have gone; others may wait
    return;
  }
  const { messageIds, since, deadline } = need;
  const tell = (found: Found): void => {
    if (found.kind === "found") worker.found(found.records);
    else worker.findFailed(errorOf(found));
    touch(worker);
  };
  // The port says that this cannot fail; were it to, senders must hear of it, and not wait for ever.
  store
    .find({ key: worker.key, messageIds, since }, deadline)
    .then(tell, (thrown: unknown) => tell({ kind: "unavailable", reason: reasonOf(thrown) }));
}

function errorOf({ kind, reason }: Exclude<Found, { kind: "found" }>): PachydermError {
  return new PachydermError(kind === "unreadable" ? "UNREADABLE_EVENT" : "STORE_UNAVAILABLE", reason);
}
