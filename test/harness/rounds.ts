// How long a fault test goes on: `npm run test:faults` is the long run, everything else the short one.

/** So many rounds, kills or messages: `short` in the everyday run, `long` in the run of faults. */
export function rounds<T>(short: T, long: T): T {
  return isLong ? long : short;
}

/** Whether this is the long run. */
export const isLong = process.env["PACHYDERM_FAULTS"] === "long";
