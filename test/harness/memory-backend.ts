// The embedded backend, for the laws.

import { MemoryEventStore } from "../../src/memory/event-store.ts";
import { MemoryLog } from "../../src/memory/memory-log.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { OpenBackend } from "./open-backend.ts";

export function openMemoryBackend(): OpenBackend {
  const clock = systemClock;
  const log = new MemoryLog(clock, { log: true });
  const typed = "its data are typed objects of this process, where nothing foreign can be put";
  return {
    name: "memory",
    clock,
    partitions: 32,
    open: async () => new MemoryEventStore(clock, log),
    trim: async (key, keepFrom) => log.findOrMake(key).trim(keepFrom),
    rollBack: async (key, version) => log.findOrMake(key).rollBack(version),
    cannot: {
      "all that one commit touches is on one server, in every partition": "there are no servers, and no keys",
      "foreign data in place of the records is refused and unreadable, and hurts nobody else": typed,
      "foreign data in place of the records is unreadable to a read, at once": typed,
      "foreign data in place of the timers refuses a commit that has to do with them, whole": typed,
      "foreign data in place of the snapshot refuses the commit that would write one, whole": typed,
    },
    close: async () => {},
  };
}
