// Keys of an object that a program wrote: one that is misspelt would be passed over, and what it says with it.

/** What is wrong with the keys, for a sentence, with the known one that may be meant; undefined: all of them are known. */
export function strayKey(given: object, known: readonly string[]): string | undefined {
  const stray = Object.keys(given).find((key) => !known.includes(key));
  if (stray === undefined) return undefined;
  const [nearest] = known
    .map((key) => ({ key, steps: stepsBetween(stray.toLowerCase(), key.toLowerCase()) }))
    .filter(({ steps }) => steps <= Math.ceil(stray.length / 4))
    .toSorted((a, b) => a.steps - b.steps);
  const hint = nearest === undefined ? `there are: ${known.join(", ")}` : `did you mean ${nearest.key}?`;
  return `there is no ${stray} (${hint})`;
}

/** Letters to put in, take out or exchange (V. Levenshtein, 1966). */
function stepsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      const exchanged = (row[j] ?? 0) + (letter === other[j] ? 0 : 1);
      next.push(Math.min(exchanged, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
