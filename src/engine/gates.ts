// So many at once, by name: the others wait their turn.

interface Gate {
  inside: number;
  readonly waiting: (() => void)[];
}

export class Gates {
  readonly #byName = new Map<string, Gate>();

  /** Resolves, when it is its turn, with the function that lets the next one in. */
  async enter(name: string, most: number): Promise<() => void> {
    let gate = this.#byName.get(name);
    if (gate === undefined) {
      gate = { inside: 0, waiting: [] };
      this.#byName.set(name, gate);
    }
    const { waiting } = gate;
    if (gate.inside >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else gate.inside += 1;
    return () => this.#leave(name);
  }

  /** Whoever waits longest takes the place at once. */
  #leave(name: string): void {
    const gate = this.#byName.get(name);
    if (gate === undefined) return;
    const next = gate.waiting.shift();
    if (next !== undefined) next();
    else gate.inside -= 1;
    if (gate.inside === 0) this.#byName.delete(name);
  }
}
