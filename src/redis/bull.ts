// BullMQ, loaded where there are jobs only: it takes longer to load than the rest of Pachyderm, and most of a node's
// memory before the first entity.

export type Bull = typeof import("bullmq");
export type { Queue as BullQueue } from "bullmq";

let loading: Promise<Bull> | undefined;

export function loadBull(): Promise<Bull> {
  loading ??= import("bullmq");
  return loading;
}
