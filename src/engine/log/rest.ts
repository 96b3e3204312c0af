// Waiting that can be cut short: by a hint, by being poked, by the end.

export type Woken = "hinted" | "poked" | "late" | "ended";

/** What ends a wait besides the end and the time: hints and pokes, pokes only, or neither. */
export type WakesBy = "hinted" | "poked" | "ended";

interface Waiter {
  readonly by: WakesBy;
  readonly resolve: (woken: Woken) => void;
}

export class Rest {
  readonly #waiters = new Set<Waiter>();
  #ended = false;
  /** What came while nobody waited for it. */
  #hinted = false;
  #poked = false;

  get isEnded(): boolean {
    return this.#ended;
  }

  hint(): void {
    this.#hinted = true;
    this.#wake("hinted", (by) => by === "hinted");
  }

  poke(): void {
    this.#poked = true;
    this.#wake("poked", (by) => by !== "ended");
  }

  /** Hints that came so far were for what is looked at now. */
  forgetHints(): void {
    this.#hinted = false;
  }

  end(): void {
    this.#ended = true;
    this.#wake("ended", () => true);
  }

  /** @param ms null: for as long as it takes */
  async until(by: WakesBy, ms: number | null): Promise<Woken> {
    if (this.#ended) return "ended";
    const came = this.#cameFor(by);
    const woken = came ?? (await this.#wait(by, ms));
    if (woken === "hinted") this.#hinted = false;
    if (woken === "poked") this.#poked = false;
    return woken;
  }

  #cameFor(by: WakesBy): Woken | undefined {
    if (by !== "ended" && this.#poked) return "poked";
    return by === "hinted" && this.#hinted ? "hinted" : undefined;
  }

  async #wait(by: WakesBy, ms: number | null): Promise<Woken> {
    const { promise, resolve } = Promise.withResolvers<Woken>();
    const waiter = { by, resolve };
    this.#waiters.add(waiter);
    const timer = ms === null ? undefined : setTimeout(resolve, ms, "late");
    timer?.unref();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    }
  }

  #wake(woken: Woken, wakes: (by: WakesBy) => boolean): void {
    for (const { by, resolve } of [...this.#waiters]) if (wakes(by)) resolve(woken);
  }
}
