// The demo on real input, as ./scripts/demo runs it on the build; and that its checks would see a difference.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { differences, type States } from "../../scripts/flights/differences.ts";
import { expect as plainLoop } from "../../scripts/flights/expected.ts";
import { codesOf, messagesOf, readFlights } from "../../scripts/flights/flights.ts";
import { rounds } from "../harness/rounds.ts";

test("flights through three nodes, one of them killed: every check holds, and the process ends by itself", async () => {
  const program = fileURLToPath(new URL("../../scripts/flights/main.ts", import.meta.url));
  const flights = rounds(3_000, 20_000);
  const env = { ...process.env, NO_COLOR: "1" }; // where CI is set, picocolors would colour a pipe
  const stdout = await promisify(execFile)(process.execPath, [program, `${flights}`], { env }).then(
    (good) => good.stdout,
    (bad: { readonly stdout: string; readonly stderr: string }) => {
      throw new Error(`it failed, and printed:\n${bad.stdout}${bad.stderr}`);
    },
  );
  expect(stdout).toContain(`${(flights * 2).toLocaleString("en")} sends in`);
  expect(stdout).toContain("node2 was killed in the middle");
  expect(stdout).toMatch(/longest pause of any sender: [1-9]\d* ms/);
  expect(stdout.match(/✓/g)).toHaveLength(4);
  expect(stdout).not.toContain("✗");
  // By the nodes' own count: all have answered, the killed one before and after, and together they have handled almost
  // everything: nobody counts what the killed one did after it was asked. What it owns again by the end is a matter of time.
  const rows = [...stdout.matchAll(/^│ (node.*?) +│ +([\d,]+) │ +([\d,]+) │/gm)].map(
    ([, name = "", ...counts]) =>
      [name, ...counts.map((count) => Number(count.replaceAll(",", "")))] as const,
  );
  expect(rows.map(([name]) => name)).toEqual(["node1", "node2", "node2, until it was killed", "node3"]);
  for (const [name, answered = 0, handled = 0] of rows) {
    expect(answered, name).toBeGreaterThan(0);
    if (name !== "node2") expect(handled, name).toBeGreaterThan(0);
  }
  const handled = rows.reduce((sum, [, , count = 0]) => sum + count, 0);
  expect(handled).toBeGreaterThan(flights * 2 * 0.8);
}, 120_000);

test("the file is what the demo says it is", async () => {
  const flights = await readFlights();
  expect(flights).toHaveLength(20_000);
  expect(codesOf(flights)).toHaveLength(224);
  expect([...messagesOf(flights)]).toHaveLength(40_000);
  for (const [i, flight] of flights.entries()) expect(flight.date >= (flights[i - 1]?.date ?? "")).toBe(true);
});

test("a state that differs, is missing or is left over is told", async () => {
  const { states } = plainLoop(await readFlights());
  const lax = states.get("LAX");
  if (lax === undefined) throw new Error("LAX is in the file");
  const changed: States = new Map([...states, ["LAX", { ...lax, delay: lax.delay + 1 }]]);
  const left: States = new Map([...states, ["XXX", lax]]);
  const without = new Map(states);
  without.delete("LAX");
  expect(differences(states, states)).toEqual([]);
  for (const [other, code] of [
    [changed, "LAX"],
    [without, "LAX"],
    [left, "XXX"],
  ] as const) {
    expect(differences(other, states)).toEqual([expect.stringMatching(`^${code} is `)]);
  }
});
