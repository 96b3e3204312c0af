// The settings that all nodes of a network must share, written once by the first node that comes.

import { PachydermError } from "../core/errors.ts";
import { codeOf } from "./failure.ts";
import { metaKey } from "./keys.ts";
import type { Client } from "./script.ts";

/** Version of keys and records; a change of either raises it. */
export const KEY_FORMAT = 2;
/** A network of these is taken over: all that they have is read, and the nodes that only know them start no more. */
const OLDER: readonly unknown[] = [1];

export interface NetworkSettings {
  readonly partitions: number;
  readonly log: boolean;
  /** How far back an attempt looks for its own message, milliseconds (H). */
  readonly lookbackMs: number;
}

/**
 * Writes the settings if there are none, else compares with those that are there.
 * @throws PachydermError CONFIG_MISMATCH that names each difference
 */
export async function agreeOnSettings(
  client: Client,
  network: string,
  wanted: NetworkSettings,
): Promise<void> {
  const key = metaKey(network);
  const ours = { format: KEY_FORMAT, ...wanted };
  await writeSettings(client, network, wanted);
  const theirs = parse(await read(client, key));
  if (theirs === undefined) {
    throw new PachydermError(
      "CONFIG_MISMATCH",
      `the key ${key} is not Pachyderm's: choose another network name`,
    );
  }
  const isOlder = OLDER.includes(theirs["format"]);
  const differences = Object.entries(ours).filter(
    ([name, value]) => theirs[name] !== value && !(name === "format" && isOlder),
  );
  if (differences.length === 0) {
    // Whoever comes meanwhile with the same settings writes the same, and with others is refused before and after.
    if (isOlder) await client.set(key, JSON.stringify(ours));
    return;
  }
  const list = differences
    .map(([name, value]) => `${name} is ${String(theirs[name])}, not ${String(value)}`)
    .join("; ");
  throw new PachydermError(
    "CONFIG_MISMATCH",
    `the network ${network} was made with other settings: ${list}. Start this node with those, or use another network`,
    { detail: { theirs, ours } },
  );
}

/**
 * The settings as they are.
 * @returns null: there are none
 * @throws PachydermError CONFIG_MISMATCH: what is kept there is not Pachyderm's, or of another version
 */
export async function readSettings(client: Client, network: string): Promise<NetworkSettings | null> {
  const key = metaKey(network);
  if ((await client.exists(key)) === 0) return null;
  const { format, ...settings } = parse(await read(client, key)) ?? {};
  if (format === KEY_FORMAT || OLDER.includes(format))
    return settings as Partial<NetworkSettings> as NetworkSettings;
  const message = `the key ${key} is not of this version of Pachyderm: choose another network name`;
  throw new PachydermError("CONFIG_MISMATCH", message);
}

/** Unless there are some: SET NX decides which of two first nodes is first, and the other one reads what that wrote. */
export async function writeSettings(client: Client, network: string, wanted: NetworkSettings): Promise<void> {
  await client.set(metaKey(network), JSON.stringify({ format: KEY_FORMAT, ...wanted }), "NX");
}

/** Null also where something else than text is kept there. */
async function read(client: Client, key: string): Promise<string | null> {
  try {
    return await client.get(key);
  } catch (thrown) {
    if (thrown instanceof Error && codeOf(thrown) === "WRONGTYPE") return null;
    throw thrown;
  }
}

function parse(text: string | null): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = text === null ? null : JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // the caller says so
  }
}
