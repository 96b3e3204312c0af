// Laws as tests.

import { afterAll, expect, test } from "vitest";
import { type Judged, judge, type Law, strayExceptions } from "../../src/laws/backend.ts";
import type { Ends } from "../harness/open-backend.ts";

export function runLaws<B extends Judged>(laws: readonly Law<B>[], backend: B & Ends): void {
  afterAll(() => backend.close());

  test(`the exceptions of ${backend.name} name laws that there are`, () => {
    expect(strayExceptions(laws, backend)).toEqual([]);
  });

  for (const law of laws) {
    test(law.name, async ({ skip }) => {
      const verdict = await judge(law, backend);
      if (verdict.kind === "broken") throw verdict.error;
      if (verdict.kind === "kept") return;
      console.info(`${backend.name} cannot keep "${law.name}": ${verdict.reason}`);
      skip(verdict.reason);
    });
  }
}
