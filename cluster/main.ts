// A node of a cluster, as a program: settings from the environment, messages over HTTP, an orderly end.

import { Pachyderm, readEnvironment } from "pachyderm";
import { type HttpDoor, jsonLog, Metrics, openHttp } from "pachyderm/http";
import { bullBoard } from "./board.ts";
import { announceLateDeparture, lateDepartures } from "./effects/late-departure.ts";
import { mailer } from "./effects/mailer.ts";
import { account } from "./entities/account.ts";
import { airport } from "./entities/airport.ts";
import { cart } from "./entities/cart.ts";
import { counter } from "./entities/counter.ts";

/** Of the end, from the first signal on: more than a node takes to stop, less than whoever sent it waits. */
const END_MS = 15_000;
/** Hosted unless PACHYDERM_ENTITIES names others. */
const own = { entities: [account, airport, cart, counter], effects: [announceLateDeparture, mailer] };
/** Where mail goes: an SMTP server, or a file (docs/effects.md). */
const { MAIL_SMTP: smtp, MAIL_FROM: from, MAIL_FILE = "/tmp/pachyderm-mail.jsonl" } = process.env;
const config = {
  mailFile: MAIL_FILE,
  ...(smtp === undefined ? {} : { smtp }),
  ...(from === undefined ? {} : { from }),
};

let log = jsonLog();
// What nobody has caught, rejections too: a process in an unknown state is not to go on. What it had taken is in the log,
// or its sender hears of it.
process.on("uncaughtException", (err, origin) => {
  log.fatal({ err }, `${origin}: the node ends`);
  process.exit(1);
});
const asked = onceAsked();
try {
  await run();
} catch (err) {
  log.fatal({ err }, "the node failed");
  process.exit(1);
}

async function run(): Promise<void> {
  const environment = await readEnvironment();
  log = jsonLog(environment.logLevel);
  for (const warning of environment.warnings) log.warn(warning);
  process.removeAllListeners("warning"); // Node's own, which prints text between the lines of JSON
  process.on("warning", ({ name, message }) => log.warn({ warning: name }, message));

  const metrics = new Metrics();
  const pachyderm = await Pachyderm.start({ ...own, config, ...environment.start, meter: metrics });
  logSignals(pachyderm);
  const board = process.env["BULL_BOARD"] === undefined ? {} : { board: await bullBoard() };
  const door = await openHttp(pachyderm, { ...environment.http, ...board, metrics, log });
  log.info({ address: door.address, network: pachyderm.cluster().network }, "the node serves");

  const signal = await asked;
  log.info({ signal }, "the node drains");
  await end(pachyderm, door);
  log.info("the node has stopped");
  process.exit(0);
}

/** What was taken is answered, over HTTP too; what comes meanwhile is told to go elsewhere. */
async function end(pachyderm: Pachyderm, door: HttpDoor): Promise<void> {
  const late = setTimeout(() => {
    log.fatal(`the node did not stop within ${END_MS} ms`);
    process.exit(1);
  }, END_MS);
  door.drain();
  await pachyderm.stop();
  await door.close();
  clearTimeout(late);
}

/** The first signal to end; a second one is meant, and ends the process at once. */
function onceAsked(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let already = false;
  const hear = (signal: NodeJS.Signals): void => {
    if (already) {
      log.fatal({ signal }, "asked again: the node ends at once");
      process.exit(1);
    }
    already = true;
    resolve(signal);
  };
  process.on("SIGTERM", hear);
  process.on("SIGINT", hear);
  return promise;
}

function logSignals(pachyderm: Pachyderm): void {
  pachyderm.on("effect-failed", ({ effect, effectId, reference, version, error }) =>
    log.error({ effect, effectId, ...reference, version, err: error }, "an effect failed"),
  );
  pachyderm.on("log-diverged", ({ reference, version }) =>
    log.error({ ...reference, version }, "Redis lost commits that it had acknowledged"),
  );
  pachyderm.on("node-joined", (node) => log.info(node, "a node has joined"));
  pachyderm.on("node-left", (node) => log.info(node, "a node has left, or is not heard of any more"));
  pachyderm.on("lease-lost", ({ partition }) => log.warn({ partition }, "a lease was lost"));
  lateDepartures.subscribe((departure) => log.info(departure, "a late departure was announced"));
}
