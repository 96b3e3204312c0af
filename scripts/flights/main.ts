// The demo: real flights become messages to airports; then every airport is checked twice.

import { randomBytes } from "node:crypto";
import { Pachyderm } from "pachyderm";
import pc from "picocolors";
import { announceLateDeparture, lateDepartures } from "../../cluster/effects/late-departure.ts";
import { airport } from "../../cluster/entities/airport.ts";
import { busiest } from "./busiest.ts";
import { differences } from "./differences.ts";
import { expect } from "./expected.ts";
import { codesOf, messagesOf, readFlights } from "./flights.ts";
import { progressOf } from "./progress.ts";
import { type DemoRedis, demoRedis } from "./redis.ts";
import { replayed } from "./replayed.ts";
import { sendAll } from "./send.ts";
import { statesOf } from "./states.ts";

const network = `demo-${randomBytes(6).toString("hex")}`;
const redis = await demoRedis();
let pachyderm: Pachyderm | undefined;
let interrupted = false;

async function tidy(): Promise<void> {
  await pachyderm?.stop(); // first, or what it still writes would stay in Redis
  await redis.tidy(network);
}

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, async () => {
    interrupted = true;
    await tidy().finally(() => process.exit(status));
  });
}
try {
  process.exitCode = (await run(redis)) ? 0 : 1;
} catch (thrown) {
  if (!interrupted) throw thrown; // sends that a stopping node refused are no news to who stopped it
} finally {
  if (!interrupted) await tidy();
}

/** Whether everything was as it must be. */
async function run({ url, place }: DemoRedis): Promise<boolean> {
  const flights = await readFlights();
  const codes = codesOf(flights);
  console.log(`${pc.bold(flights.length.toLocaleString("en"))} flights between ${codes.length} airports`);
  console.log(`Redis: ${place}; network ${network}\n`);

  let announced = 0;
  lateDepartures.subscribe(() => {
    announced++;
  });
  const effects = [announceLateDeparture];
  pachyderm = await Pachyderm.start({ entities: [airport], effects, redis: url, network });
  const sends = flights.length * 2;
  const progress = progressOf(sends);
  const ms = await sendAll(pachyderm, messagesOf(flights), progress.step);
  progress.end();
  const states = await statesOf(pachyderm, codes);
  await pachyderm.stop(); // and with it the dispatch of the last effects

  const perSecond = Math.round((sends / ms) * 1000).toLocaleString("en");
  console.log(
    `\n${sends.toLocaleString("en")} sends in ${(ms / 1000).toFixed(2)} s: ${pc.bold(perSecond)} a second\n`,
  );
  console.log(busiest(states));

  const expected = expect(flights);
  console.log("\nChecks");
  return [
    verdict("every airport equals what a plain loop computes", differences(states, expected.states)),
    verdict(
      "every airport equals a replay of all its events by a second process",
      differences(await replayed(url, network), states),
    ),
    verdict(
      `${announced} departures more than two hours late were announced, each once`,
      announced === expected.announcements ? [] : [`the plain loop counts ${expected.announcements}`],
    ),
  ].every(Boolean);
}

function verdict(claim: string, problems: readonly string[]): boolean {
  if (problems.length === 0) console.log(`  ${pc.green("✓")} ${claim}`);
  else console.log(`  ${pc.red("✗ not so:")} ${claim}\n    ${problems.join("\n    ")}`);
  return problems.length === 0;
}
