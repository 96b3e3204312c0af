// The settings of a network that there is, for whoever must not make one.

import { Connector, type RedisInput } from "./connection.ts";
import { type NetworkSettings, readSettings } from "./network-settings.ts";
import { connect, withDeadline } from "./reach.ts";

export interface LookUpOptions {
  readonly redis: RedisInput;
  readonly network: string;
  /** Milliseconds until it gives up. */
  readonly timeoutMs: number;
}

/**
 * @returns null: there is no such network
 * @throws PachydermError STORE_UNAVAILABLE (not there, or no answer in time), UNAUTHORIZED, INVALID_OPTIONS,
 * CONFIG_MISMATCH (what is kept there is not Pachyderm's, or of another version)
 */
export async function lookUpSettings({
  redis,
  network,
  timeoutMs,
}: LookUpOptions): Promise<NetworkSettings | null> {
  const client = new Connector(redis).client("look-up");
  const look = async () => {
    await connect(client);
    return await readSettings(client, network);
  };
  try {
    return await withDeadline(look(), timeoutMs, [client]);
  } finally {
    client.disconnect();
  }
}
