// ./scripts/cluster [N]: Redis and N nodes on this machine, until Ctrl-C. PACHYDERM_… variables that are set reach the nodes.

import { randomBytes } from "node:crypto";
import { newId } from "pachyderm";
import pc from "picocolors";
import { whenAsked } from "./asked.ts";
import { printerOf } from "./log.ts";
import { NodeProcess } from "./node-process.ts";
import { portsFrom } from "./ports.ts";
import { type ScriptRedis, scriptRedis } from "./redis.ts";
import { linesToTry } from "./try.ts";

const MOST_NODES = 20;
const FIRST_PORT = 8081;

const count = countOf(process.argv.slice(2));
const asked = whenAsked();
const redis = await scriptRedis();
const nodes = await begin(count, redis);
try {
  process.exitCode = await run(nodes, redis);
} finally {
  await Promise.all(nodes.map((node) => node.stop())); // before their Redis, so that they can finish what they took
  if (redis.isPrivate) await redis.tidy("");
}
process.exit();

function countOf([text = "3", ...others]: readonly string[]): number {
  if (others.length === 0 && /^[1-9][0-9]?$/.test(text) && Number(text) <= MOST_NODES) return Number(text);
  console.error(`./scripts/cluster [number of nodes, 1 to ${MOST_NODES}; 3 unless given]`);
  process.exit(2);
}

async function begin(count: number, redis: ScriptRedis): Promise<readonly NodeProcess[]> {
  const ports = await portsFrom(FIRST_PORT, count);
  const secret = { PACHYDERM_SECRET: randomBytes(24).toString("base64url") };
  const env = { ...secret, ...process.env, PACHYDERM_REDIS_URL: redis.url };
  return ports.map((httpPort, index) => {
    const name = `node${index + 1}`;
    return new NodeProcess({ name, httpPort, env, onLine: printerOf(name, index) });
  });
}

/** @returns the exit code: asked to end is a good end, and no node being left is not */
async function run(nodes: readonly NodeProcess[], redis: ScriptRedis): Promise<number> {
  const started = Promise.all(nodes.map((node) => node.serves()));
  started.catch(() => {}); // asked to end meanwhile: what does not start then is no news
  const early = await Promise.race([asked, started]);
  if (Array.isArray(early)) tell(nodes, redis);
  const gone = Promise.all(nodes.map((node) => mourn(node)));
  const signal = await Promise.race([asked, gone]);
  if (typeof signal === "string") {
    console.log(`\n${signal}: all nodes stop`);
    return 0;
  }
  console.log(pc.red("no node is left"));
  return 1;
}

function tell(nodes: readonly NodeProcess[], { place, isPrivate }: ScriptRedis): void {
  const doors = nodes.map(({ name, address }) => `  ${name.padEnd(8)}${pc.bold(address)}`);
  const hasToken = (process.env["PACHYDERM_HTTP_TOKEN"] ?? "") !== "";
  const toTry = linesToTry(nodes, newId(), hasToken).map((line) => `  ${line}`);
  const remains = isPrivate ? "" : "; what is sent stays there";
  const parts = [
    `\n  ${"Redis".padEnd(8)}${place}${remains}`,
    ...doors,
    "\nTry it:",
    ...toTry,
    "\nCtrl-C stops all.\n",
  ];
  console.log(parts.join("\n"));
}

async function mourn(node: NodeProcess): Promise<void> {
  const { code, signal } = await node.ended;
  if (node.isMeant) return;
  console.log(
    pc.red(`${node.name} has died (${signal ?? `exit code ${code}`}): the others go on without it`),
  );
}
