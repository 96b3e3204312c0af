// When memory answers.

/**
 * An answer of the event loop's next turn. One of this turn would let a program that sends without end keep the loop
 * to itself: no timer, no deadline and no I/O of it would ever come.
 */
export function later<T>(answer: T): Promise<T> {
  return new Promise((resolve) => setImmediate(resolve, answer));
}
