// What is done to whole networks, where somebody still writes to one, and where the server does not answer.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Networks } from "../../src/redis/networks.ts";
import { RedisServer } from "../harness/redis-server.ts";

async function withNetworks(
  config: Readonly<Record<string, string>>,
  use: (networks: Networks, server: RedisServer) => Promise<void>,
): Promise<void> {
  const server = await RedisServer.start({ config });
  const networks = await Networks.open(server.url, 10_000);
  try {
    await use(networks, server);
  } finally {
    networks.close();
    await server.stop();
  }
}

async function plant(server: RedisServer): Promise<void> {
  const settings = { format: 2, partitions: 2, log: true, lookbackMs: 60_000 };
  await server.ask((client) =>
    client.mset("{shop:meta}:settings", JSON.stringify(settings), "{shop:0}:tip", "1"),
  );
}

test("a network goes, and what makes it one goes last", async () => {
  await withNetworks({}, async (networks, server) => {
    await plant(server);
    expect(await networks.destroy("shop")).toBe(2);
    expect(await server.ask((client) => client.dbsize())).toBe(0);
    await expect(networks.destroy("shop")).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  });
});

test("a node that is not clustered writes as fast as it is removed: told to be stopped, and the network is still one", async () => {
  // On this server UNLINK tells how many keys there are, and they are there again: no real writer is so regular.
  const folder = mkdtempSync(join(tmpdir(), "pachyderm-networks-"));
  const include = join(folder, "renamed.conf");
  writeFileSync(include, "rename-command UNLINK GONE\nrename-command TOUCH UNLINK\n");
  try {
    await withNetworks({ include }, async (networks, server) => {
      await plant(server);
      await expect(networks.destroy("shop")).rejects.toMatchObject({
        code: "INVALID_OPTIONS",
        message: expect.stringMatching(/goes on writing to the network shop.*Stop it/),
      });
      expect(await server.ask((client) => client.exists("{shop:meta}:settings"))).toBe(1);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a server that does not answer: STORE_UNAVAILABLE, and not for ever", async () => {
  await withNetworks({}, async (networks, server) => {
    await plant(server);
    server.freeze();
    try {
      await expect(networks.list()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    } finally {
      server.thaw();
    }
  });
});
