// Questions that are asked in one turn of the event loop, in one call for each lane: a node with many partitions asks for
// all of them at once.

interface Waiting<Q, A> {
  readonly question: Q;
  readonly deadline: number;
  readonly resolve: (answer: A) => void;
}

/** Answers in the order of the questions; never throws. */
export type Ask<Q, A> = (questions: readonly Q[], deadline: number) => Promise<readonly A[]>;

export class Gatherer<Q, A> {
  readonly #ask: Ask<Q, A>;
  readonly #most: number;
  readonly #lanes = new Map<number, Waiting<Q, A>[]>();
  readonly #flushBound = (): void => this.#flush();

  /** @param most questions of one call: it holds up everybody else on that Redis for as long as it runs */
  constructor(most: number, ask: Ask<Q, A>) {
    this.#most = most;
    this.#ask = ask;
  }

  /** Questions of one lane may share a call, whose deadline is then the latest of theirs. */
  ask(lane: number, question: Q, deadline: number): Promise<A> {
    const { promise, resolve } = Promise.withResolvers<A>();
    if (this.#lanes.size === 0) process.nextTick(this.#flushBound);
    const waiting = this.#lanes.get(lane);
    if (waiting === undefined) this.#lanes.set(lane, [{ question, deadline, resolve }]);
    else waiting.push({ question, deadline, resolve });
    return promise;
  }

  #flush(): void {
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    for (const waiting of lanes) {
      for (let i = 0; i < waiting.length; i += this.#most) void this.#call(waiting.slice(i, i + this.#most));
    }
  }

  async #call(waiting: readonly Waiting<Q, A>[]): Promise<void> {
    const deadline = waiting.reduce((latest, one) => Math.max(latest, one.deadline), 0);
    const answers = await this.#ask(
      waiting.map(({ question }) => question),
      deadline,
    );
    waiting.forEach(({ resolve }, i) => {
      resolve(answers[i] as A); // one answer for each question: `Ask`
    });
  }
}
