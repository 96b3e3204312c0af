// Keeps so many sends in flight, for so long, and no longer.

export interface Load {
  readonly inFlight: number;
  readonly ms: number;
  /** A bound on the number of sends, whatever the time. */
  readonly most: number;
}

export interface Driven {
  readonly sends: number;
  readonly perSecond: number;
}

/** Calls `send` with 0, 1, 2, … and resolves when the last one that was begun is answered. */
export async function drive(load: Load, send: (index: number) => Promise<unknown>): Promise<Driven> {
  const start = performance.now();
  const end = start + load.ms;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < load.most && performance.now() < end) await send(next++);
  };
  await Promise.all(Array.from({ length: load.inFlight }, lane));
  return { sends: next, perSecond: (next * 1000) / (performance.now() - start) };
}

/** Runs `task` for 0 … count - 1, `inFlight` at a time. */
export async function each(
  count: number,
  inFlight: number,
  task: (index: number) => Promise<unknown>,
): Promise<void> {
  await drive({ inFlight, ms: 60_000, most: count }, task);
}
