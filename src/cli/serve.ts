// The life of a node that is a program: it serves, drains when it is asked to end, and ends.

import type { Logger } from "pino";
import { type SignalName, signalNames } from "../core/signals.ts";
import { jsonLog } from "../http/log.ts";
import { Metrics } from "../http/metrics.ts";
import { type HttpDoor, openHttp } from "../http/open.ts";
import type { Environment } from "../node/environment.ts";
import { Pachyderm } from "../node/pachyderm.ts";
import { exitCodes } from "./failure.ts";
import { LogForPeople } from "./log-for-people.ts";

/** Of the end, from the first signal on: more than a node takes to stop, less than whoever sent it waits. */
const END_MS = 15_000;

/**
 * @param interrupted aborted when the node is to end
 * @throws PachydermError it could not start
 */
export async function serveNode(
  environment: Environment,
  forPeople: boolean,
  interrupted: AbortSignal,
): Promise<void> {
  const log = jsonLog(environment.logLevel, forPeople ? new LogForPeople(process.stdout) : undefined);
  await serve(environment, log, interrupted);
}

async function serve(environment: Environment, log: Logger, interrupted: AbortSignal): Promise<void> {
  for (const warning of environment.warnings) log.warn(warning);
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => log.warn(`${name}: ${message}`));
  const metrics = new Metrics();
  const pachyderm = await Pachyderm.start({ ...environment.start, meter: metrics });
  const door = await opened(pachyderm, environment, metrics, log);
  logSignals(pachyderm, log);
  log.info({ address: door.address, network: pachyderm.cluster().network }, "the node serves");
  await aborted(interrupted);
  log.info({ signal: interrupted.reason }, "the node drains");
  await end(pachyderm, door, log);
  log.info("the node has stopped");
}

/** A node whose door cannot be opened would be there for the others, and for nobody else. */
async function opened(
  pachyderm: Pachyderm,
  { http }: Environment,
  metrics: Metrics,
  log: Logger,
): Promise<HttpDoor> {
  try {
    return await openHttp(pachyderm, { ...http, metrics, log });
  } catch (thrown) {
    await pachyderm.stop();
    throw thrown;
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}

/** What was taken is answered, over HTTP too; what comes meanwhile is told to go elsewhere. */
async function end(pachyderm: Pachyderm, door: HttpDoor, log: Logger): Promise<void> {
  const late = setTimeout(() => {
    log.fatal(`the node did not stop within ${END_MS} ms`);
    process.exit(exitCodes.failed);
  }, END_MS);
  door.drain();
  await pachyderm.stop();
  await door.close();
  clearTimeout(late);
}

/** What is worth a line, and how loud it is. A conflict is normal, and may come by the thousand. */
const told: Partial<
  Readonly<Record<SignalName, readonly [level: "info" | "warn" | "error", sentence: string]>>
> = {
  "effect-failed": ["error", "an effect failed"],
  "log-diverged": ["error", "Redis lost commits that it had acknowledged"],
  "timer-failed": ["error", "a timer could not be handled"],
  "subscription-parked": ["error", "a subscription is parked: its handler fails"],
  "subscription-truncated": ["error", "retention took what a subscription had not seen"],
  "durability-missed": ["warn", "a commit was not made as durable as was asked, in time"],
  "lease-lost": ["warn", "a claim on a partition was lost"],
  "node-joined": ["info", "a node joined"],
  "node-left": ["info", "a node left"],
};

function logSignals(pachyderm: Pachyderm, log: Logger): void {
  for (const name of signalNames) {
    const line = told[name];
    if (line === undefined) continue;
    const [level, sentence] = line;
    pachyderm.on(name, (payload: object) => log[level](fieldsOf(payload), sentence));
  }
}

/** pino tells errors by the name `err`, and of an entity its type and id say enough. */
function fieldsOf(payload: { readonly reference?: object | null; readonly error?: unknown }): object {
  const { reference, error, ...rest } = payload;
  return { ...reference, ...rest, ...(error === undefined ? {} : { err: error }) };
}
