// npm run bench: Pachyderm beside plain ioredis on the same Redis, in turns, with the floors that it must reach.

import { writeFileSync } from "node:fs";
import pc from "picocolors";
import { type Row, run } from "./contest.ts";
import { pinCores } from "./cores.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { findPachyderm } from "./pachyderm.ts";
import { type Fsync, startRedis } from "./redis.ts";
import { report, verdict } from "./report.ts";
import { alone } from "./scenarios/alone.ts";
import { cluster } from "./scenarios/cluster.ts";
import { cold } from "./scenarios/cold.ts";
import { connections } from "./scenarios/connections.ts";
import { durable } from "./scenarios/durable.ts";
import { find } from "./scenarios/find.ts";
import { forward } from "./scenarios/forward.ts";
import { hot } from "./scenarios/hot.ts";
import { reference } from "./scenarios/reference.ts";
import { replay } from "./scenarios/replay.ts";
import { residents } from "./scenarios/residents.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { space } from "./scenarios/space.ts";
import { spread } from "./scenarios/spread.ts";
import { subscribe } from "./scenarios/subscribe.ts";
import { timers } from "./scenarios/timers.ts";
import { views } from "./scenarios/views.ts";

const SCENARIOS: readonly Scenario[] = [
  hot,
  spread,
  subscribe,
  alone,
  cold,
  replay,
  space,
  residents,
  connections,
  timers,
  views,
  find,
  durable,
  forward,
  cluster,
  reference,
];

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  const chosen = SCENARIOS.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  const unknown = options.only.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown.length > 0) {
    const names = SCENARIOS.map(({ name }) => name).join(", ");
    throw new Error(`no scenario ${unknown.join(", ")}; there are ${names}\n${USAGE}`);
  }
  const pachyderm = await findPachyderm();
  if (pachyderm === undefined)
    console.log(pc.yellow("src/index.ts is missing: only the reference lines run."));
  const pinned = options.pin && pinCores();
  console.log(
    pc.dim(
      `node ${process.version}, ${options.rounds} rounds${pinned ? ", Redis on a core of its own" : ""}`,
    ),
  );

  const rows: Row[] = [];
  for (const scenario of chosen) {
    for (const fsync of scenario.fsync) rows.push(...(await one(scenario, fsync, options, pachyderm)));
  }
  console.log(report(rows));
  console.log(`\n ${verdict(rows)}`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  if (rows.some((row) => row.reached === false)) process.exitCode = 1;
}

/** Each scenario has a server of its own, so that none finds the memory and the log that another left. */
async function one(
  scenario: Scenario,
  fsync: Fsync,
  options: Options,
  pachyderm: Awaited<ReturnType<typeof findPachyderm>>,
): Promise<readonly Row[]> {
  const server = await startRedis(fsync);
  try {
    process.stderr.write(pc.dim(`${scenario.name}, AOF ${fsync} `));
    const rows: Row[] = [];
    for (const contest of await scenario.prepare({ server, options, pachyderm })) {
      const titled = { ...contest, title: `${contest.title}, AOF ${fsync}` };
      rows.push(...(await run(titled, options.rounds, () => process.stderr.write(pc.dim(".")))));
    }
    return rows;
  } finally {
    process.stderr.write("\n");
    await scenario.end?.();
    await server.stop();
  }
}

main().then(
  () => process.exit(), // whatever a line may have left open
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
