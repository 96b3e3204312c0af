// A contest: the same measurement by several contestants, in turns, so that a slow minute of the machine hits all.

import { type Summary, summarize } from "./statistics.ts";

/** Figures by name, as one measurement gives them: "sends/s", "p50 ms", … */
export type Figures = Readonly<Record<string, number>>;

export interface Contestant {
  readonly name: string;
  measure(): Promise<Figures>;
}

/** What the project promised itself. `ratio`: to the contest's first contestant. */
export interface Floor {
  readonly contestant: string;
  readonly figure: string;
  readonly of: "ratio" | "value";
  readonly atLeast?: number;
  readonly atMost?: number;
}

export interface Contest {
  readonly title: string;
  /** The first one is what the others are compared with. */
  readonly contestants: readonly Contestant[];
  readonly floors: readonly Floor[];
  /** Measured once only, however many rounds: what does not vary. */
  readonly once?: boolean;
}

export interface Row {
  readonly contest: string;
  readonly contestant: string;
  readonly figure: string;
  readonly value: Summary;
  /** Of medians, with the range of the ratios within a round; absent for the first contestant. */
  readonly ratio: Summary | undefined;
  readonly floor: Floor | undefined;
  readonly reached: boolean | undefined;
}

export async function run(contest: Contest, rounds: number, tick: () => void): Promise<readonly Row[]> {
  const all = contest.contestants.map((): Figures[] => []);
  for (let round = 0; round < (contest.once ? 1 : rounds); round++) {
    for (const [i, contestant] of contest.contestants.entries()) {
      // The garbage of the one before is not this one's. Not a full collection: with nothing alive it forgets what the code
      // has learned of its objects, and how large the space of young ones must be, which no node at work does.
      globalThis.gc?.({ type: "minor" });
      all[i]?.push(await contestant.measure());
      tick();
    }
  }
  return contest.contestants.flatMap((contestant, i) => {
    const own = all[i] ?? [];
    return Object.keys(own[0] ?? {}).map((figure) => {
      const values = own.map((figures) => figures[figure] ?? Number.NaN);
      const base = (all[0] ?? []).map((figures) => figures[figure] ?? Number.NaN);
      const ratio = i === 0 ? undefined : ratioOf(values, base);
      const floor = contest.floors.find((f) => f.contestant === contestant.name && f.figure === figure);
      const value = summarize(values);
      const judged = floor?.of === "ratio" ? ratio?.median : value.median;
      return {
        contest: contest.title,
        contestant: contestant.name,
        figure,
        value,
        ratio: ratio && Number.isFinite(ratio.median) ? ratio : undefined,
        floor,
        reached: floor && judged !== undefined ? holds(floor, judged) : undefined,
      };
    });
  });
}

function ratioOf(values: readonly number[], base: readonly number[]): Summary {
  const within = summarize(values.map((value, round) => value / (base[round] ?? Number.NaN)));
  return { ...within, median: summarize(values).median / summarize(base).median };
}

function holds(floor: Floor, value: number): boolean {
  return (
    value >= (floor.atLeast ?? Number.NEGATIVE_INFINITY) &&
    value <= (floor.atMost ?? Number.POSITIVE_INFINITY)
  );
}
