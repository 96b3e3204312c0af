// What a server tells of itself.

import { readInfo, type ServerFacts } from "./requirements.ts";
import type { Client } from "./script.ts";

export async function factsOf(server: Client): Promise<ServerFacts> {
  const facts = readInfo(await server.info());
  const bytes = await settingOf(server, "stream-node-max-bytes");
  return { ...facts, streamNodeMaxBytes: bytes === undefined ? undefined : Number(bytes) };
}

/** Undefined where it is not told: hosted servers and strict ACLs refuse CONFIG; INFO has told what matters most. */
export async function settingOf(server: Client, name: string): Promise<string | undefined> {
  try {
    const [, value] = (await server.config("GET", name)) as string[];
    return value;
  } catch {
    return undefined;
  }
}
