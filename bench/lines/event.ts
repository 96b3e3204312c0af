// The counter's event as the reference lines store and fold it: the same JSON that Pachyderm's counter makes.

export const INCREASED = '{"type":"increased","amount":1}';

export function fold(entries: readonly (readonly [string, readonly string[]])[], from: number): number {
  let count = from;
  for (const [, fields] of entries) count += (JSON.parse(fields[1] ?? "{}") as { amount: number }).amount;
  return count;
}
