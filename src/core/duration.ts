// Lengths of time as users write them: milliseconds, or a number with its unit.

/** Milliseconds, or text such as `"250ms"`, `"30s"`, `"5m"`, `"1.5h"`, `"7d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Whole milliseconds, rounded up: nothing is to happen early. Undefined if it is no duration, or a negative one. */
export function millisecondsOf(value: unknown): number | undefined {
  const ms = typeof value === "string" ? fromText(value) : value;
  if (typeof ms !== "number" || !(ms >= 0)) return undefined;
  // "1.1h" is 3,960,000.0000000005 ms to a computer.
  const whole = Number.isInteger(ms) ? ms : Math.ceil(Number(ms.toFixed(3)));
  return Number.isSafeInteger(whole) ? whole : undefined;
}

function fromText(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[unit] ?? Number.NaN);
}
