// How long a fault test goes on: `npm run test:faults` is the long run, everything else the short one.

/** So many rounds, kills or messages: `short` in the everyday run, `long` in the run of faults. */
export function rounds<T>(short: T, long: T): T {
  return isLong ? long : short;
}

/** Whether this is the long run. */
export const isLong = process.env["PACHYDERM_FAULTS"] === "long";

/**
 * How late something may be that is done at once, or at its deadline, milliseconds: for what the machine is held up by.
 * The everyday run shares its two cores with whatever else there is; the long run has the machine for itself.
 */
export const LATE_MS = rounds(6_000, 1_000);
