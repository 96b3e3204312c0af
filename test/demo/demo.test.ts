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
  // By the nodes' own count: each has handled some, the killed one before and after, and all of them together
  // everything, but for what the killed one did after it was asked.
  const handled = [...stdout.matchAll(/^│ node.*?│ +[\d,]+ │ +([\d,]+) │/gm)].map(([, count = ""]) =>
    Number(count.replaceAll(",", "")),
  );
  expect(handled).toHaveLength(4);
  expect(Math.min(...handled)).toBeGreaterThan(0);
  expect(handled.reduce((sum, count) => sum + count)).toBeGreaterThan(flights * 2 * 0.9);
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
