// The demo: real flights become messages to airports of a cluster, of which one node is killed on the way; then every
// airport is checked twice.

import { randomBytes } from "node:crypto";
import { Pachyderm } from "pachyderm";
import pc from "picocolors";
import { airport } from "../../cluster/entities/airport.ts";
import { whenAsked } from "../nodes/asked.ts";
import { type ScriptRedis, scriptRedis } from "../nodes/redis.ts";
import { differences, type States } from "./differences.ts";
import { expect } from "./expected.ts";
import { codesOf, type Flight, messagesOf, readFlights } from "./flights.ts";
import { Nodes } from "./nodes.ts";
import { Pauses } from "./pauses.ts";
import { progressOf } from "./progress.ts";
import { replayed } from "./replayed.ts";
import { sendAll } from "./send.ts";
import { httpClient, libraryClient } from "./senders.ts";
import { statesOf } from "./states.ts";
import { busiest, sharesOf } from "./tables.ts";

/** The first so many flights: for whoever has less time. */
const most = mostOf(process.argv.slice(2));
const NODES = 3;
const VICTIM = 1;

const network = `demo-${randomBytes(6).toString("hex")}`;
const secret = randomBytes(24).toString("base64url");
let nodes: Nodes | undefined;
let client: Pachyderm | undefined;

const asked = whenAsked();
const redis = await scriptRedis();
const done = run(redis);
done.catch(() => {}); // asked to end meanwhile: what fails then is no news
try {
  const result = await Promise.race([done, asked]);
  process.exitCode = typeof result === "string" ? 130 : result ? 0 : 1;
} finally {
  await client?.stop();
  await nodes?.stop(); // before Redis is tidied, or what they still write would stay there
  await redis.tidy(network);
}
process.exit();

function mostOf([text = "20000", ...others]: readonly string[]): number {
  if (others.length === 0 && /^[1-9][0-9]{0,4}$/.test(text)) return Number(text);
  console.error("./scripts/demo [number of flights, 1 to 20000; all unless given]");
  process.exit(2);
}

/** Whether everything was as it must be. */
async function run({ url, place }: ScriptRedis): Promise<boolean> {
  const flights = (await readFlights()).slice(0, most);
  const codes = codesOf(flights);
  console.log(`${pc.bold(number(flights.length))} flights between ${codes.length} airports`);
  console.log(`Redis: ${place}; network ${network}`);

  nodes = await Nodes.spawn({ redis: url, network, secret, count: NODES });
  await nodes.serve();
  console.log(`${NODES} nodes: ${nodes.addresses.join(", ")}\n`);
  client = await Pachyderm.start({
    entities: [airport],
    redis: url,
    network,
    host: false, // it sends to the nodes, and has no entities of its own
    cluster: { secret },
  });

  await fly(flights, nodes, client);
  console.log(`\n${sharesOf(await nodes.shares())}`);
  const states = await statesOf(client, codes);
  console.log(`\n${busiest(states)}`);
  await announcedAll(client);
  await client.stop();
  await nodes.stop();
  return check(flights, states, await replayed(url, network, flights.length), nodes);
}

/** What the killed node had begun to announce is its own until its claim on it ends: twice its lease, or a little more. */
async function announcedAll(client: Pachyderm): Promise<void> {
  const begun = performance.now();
  for (;;) {
    const { waiting, running, delayed } = await client.effects.counts();
    if (waiting + running + delayed === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const seconds = (performance.now() - begun) / 1000;
  if (seconds > 1)
    console.log(`\nthe last effects ran ${seconds.toFixed(1)} s later: the killed node had begun them`);
}

/** Sends everything; in the middle, one node is killed and started again. */
async function fly(flights: readonly Flight[], nodes: Nodes, client: Pachyderm): Promise<void> {
  const sends = flights.length * 2;
  const progress = progressOf(sends);
  const pauses = new Pauses();
  let killedAt = Number.NaN;
  let accident: Promise<void> | undefined;
  const library = libraryClient(client);
  const overHttp = nodes.addresses.map((_, index) => httpClient(nodes.addresses, index));
  const begun = performance.now();
  await sendAll(messagesOf(flights), {
    // The last quarter is for all nodes: of few flights, or where a node starts slowly, nothing would be left for it.
    ready: () => (pauses.count < sends * 0.75 ? undefined : accident),
    senders: overHttp.flatMap((http) => [http, library, library, library]),
    onAnswer(wait) {
      pauses.add(wait);
      progress.step();
      if (pauses.count !== sends / 2) return;
      accident = nodes.killAndStartAgain(VICTIM, () => {
        killedAt = performance.now();
      });
    },
  });
  const seconds = (performance.now() - begun) / 1000;
  progress.end();
  await accident;

  console.log(`
${number(sends)} sends in ${seconds.toFixed(2)} s: ${pc.bold(number(sends / seconds))} a second, a quarter of them over HTTP
node${VICTIM + 1} was killed in the middle, and started again; ${pauses.again} messages were sent more than once
${pausesIn(pauses, killedAt)}`);
}

function pausesIn(pauses: Pauses, killedAt: number): string {
  const { longest } = pauses;
  const ms = (time: number): string => pc.bold(`${time.toFixed(0)} ms`);
  const after = (longest.since - killedAt) / 1000;
  const when = `${Math.abs(after).toFixed(2)} s ${after < 0 ? "before" : "after"} the kill`;
  return [
    `longest pause of any sender: ${ms(longest.ms)} (it began ${when})`,
    `longest of those whose message was on its way at the kill: ${ms(pauses.longestAt(killedAt)?.ms ?? 0)}`,
    `usual: ${pauses.percentile(50).toFixed(1)} ms, and 99 of 100 within ${pauses.percentile(99).toFixed(1)} ms`,
  ].join("\n");
}

function check(flights: readonly Flight[], states: States, replay: States, nodes: Nodes): boolean {
  const expected = expect(flights);
  const { announced, died } = nodes;
  const twice = [...announced.values()].filter((times) => times > 1).length;
  console.log("\nChecks");
  return [
    verdict("every airport equals what a plain loop computes", differences(states, expected.states)),
    verdict(
      "every airport equals a replay of all its events by a second process",
      differences(replay, states),
    ),
    verdict(
      `all ${expected.announcements} very late departures were announced, each by an effect of its own` +
        (twice === 0 ? "" : `; ${twice} of them more than once, for durable effects are at least once`),
      announced.size === expected.announcements
        ? []
        : [`${announced.size} effects were announced, and should be ${expected.announcements}`],
    ),
    verdict("no node ended but the one that was killed", died),
  ].every(Boolean);
}

function verdict(claim: string, problems: readonly string[]): boolean {
  if (problems.length === 0) console.log(`  ${pc.green("✓")} ${claim}`);
  else console.log(`  ${pc.red("✗ not so:")} ${claim}\n    ${problems.join("\n    ")}`);
  return problems.length === 0;
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en");
}
