// Reaching Redis within a time, or saying in words why not.

import type { Cluster, Redis } from "ioredis";
import { PachydermError, reasonOf } from "../core/errors.ts";
import { codeOf } from "./failure.ts";
import type { Client } from "./script.ts";

/**
 * Settles when the client is ready, which may be never: ioredis tries again for ever. But a password that is refused once
 * is refused for good.
 * @throws PachydermError UNAUTHORIZED, INVALID_OPTIONS (there is no such database)
 */
export async function connect(client: Client): Promise<void> {
  const { promise: refused, reject } = Promise.withResolvers<never>();
  const listen = (error: Error): void => {
    const failure = lastOf(error);
    if (isRefusal(failure)) reject(unauthorized(failure));
    else if (codeOf(failure) === "ERR" && / AUTH /.test(failure.message)) reject(unauthorized(failure));
  };
  client.on("error", listen);
  try {
    await Promise.race([refused, ready(client)]);
    if (!client.isCluster) await select(client as Redis);
  } finally {
    client.off("error", listen);
  }
}

/** Opens a client that was not needed until now; whoever asks it waits for the connection. */
export function reached(client: Client): void {
  if (client.status === "wait") client.connect().catch(() => {}); // told of by the calls, at their deadlines
}

/** connect() settles with the first try; the tries after it are known by the event. */
async function ready(client: Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.once("ready", () => resolve());
  client.connect().catch(() => {}); // told of by "error", and by the deadline
  await promise;
  // A cluster's client connects to a master when that is first asked, and turns away who asks meanwhile.
  if (client.isCluster) await Promise.all((client as Cluster).nodes("master").map((master) => master.ping()));
}

/** ioredis selects the database by itself, tells nobody that it was refused, and goes on in database 0, where others may be. */
async function select(client: Redis): Promise<void> {
  const { db = 0 } = client.options;
  if (db === 0) return;
  try {
    await client.select(db);
  } catch (thrown) {
    if (!(thrown instanceof Error) || thrown.name !== "ReplyError") throw thrown; // of the connection
    const sentence = `Redis refuses the database ${db} (${thrown.message}): name another one in \`redis\`, or give the user +select`;
    const code = isRefusal(thrown) ? "UNAUTHORIZED" : "INVALID_OPTIONS";
    throw new PachydermError(code, sentence, { cause: thrown });
  }
}

/** A cluster's error hides the one of the node that it asked last. */
function lastOf(error: Error): Error {
  return "lastNodeError" in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}

/** Of the credentials, or of what their owner may do. */
function isRefusal(error: Error): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM)$/.test(codeOf(error));
}

function unauthorized(cause: Error): PachydermError {
  const what =
    "Redis refused the user name or the password: give both in the redis URL or options, and check the ACL";
  return new PachydermError("UNAUTHORIZED", `${what} (${cause.message})`, { cause });
}

/**
 * Gives up after so many milliseconds, with the last error of the clients.
 * @throws PachydermError STORE_UNAVAILABLE, UNAUTHORIZED, or what the work throws of its own
 */
export async function withDeadline<T>(work: Promise<T>, ms: number, clients: readonly Client[]): Promise<T> {
  let last: Error | undefined;
  const listen = (error: Error): void => {
    last = lastOf(error);
  };
  for (const client of clients) client.on("error", listen);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(notThere(ms, last)), ms);
  try {
    return await Promise.race([work, late]);
  } catch (thrown) {
    work.catch(() => {}); // it lost the race, and ends when its connections do
    throw thrown instanceof PachydermError ? thrown : storeFailed(thrown);
  } finally {
    clearTimeout(timer);
    for (const client of clients) client.off("error", listen);
  }
}

function notThere(ms: number, last: Error | undefined): PachydermError {
  const why = last === undefined ? "no answer came" : last.message;
  return new PachydermError(
    "STORE_UNAVAILABLE",
    `Redis could not be reached within ${Math.ceil(ms)} ms (${why}): check that it runs, and the address in \`redis\``,
    last === undefined ? {} : { cause: last },
  );
}

function storeFailed(thrown: unknown): PachydermError {
  if (thrown instanceof Error && isRefusal(thrown)) return unauthorized(thrown);
  return new PachydermError("STORE_UNAVAILABLE", `Redis failed: ${reasonOf(thrown)}`, {
    cause: thrown,
  });
}
