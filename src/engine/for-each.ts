// A loop over many workers in which one's fault is not the others'.

/**
 * Runs `visit` for each item; what it throws is thrown after the last one. An error here is a fault of the engine itself,
 * and must be loud; but it must not take the answers of a hundred other entities with it.
 */
export function forEach<T>(items: readonly T[], visit: (item: T, place: number) => void): void {
  const thrown: unknown[] = [];
  items.forEach((item, place) => {
    try {
      visit(item, place);
    } catch (error) {
      thrown.push(error);
    }
  });
  if (thrown.length > 0) throw thrown[0];
}
