// A Redis that speaks TLS, with a certificate of an authority of one's own: as docs/operations.md says that it is done.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NodeProcess } from "../../scripts/nodes/node-process.ts";
import { newId, Pachyderm } from "../../src/index.ts";
import { Authority, type Pems } from "../harness/certificates.ts";
import { freePort } from "../harness/free-port.ts";
import { box } from "../harness/http-node.ts";
import { RedisServer } from "../harness/redis-server.ts";

let folder = "";
let pems: Pems;
let redis: RedisServer;
let tlsPort = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pachyderm-tls-"));
  const authority = new Authority("a Redis's");
  pems = authority.issue("IP:127.0.0.1", "DNS:localhost");
  authority.remove();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  tlsPort = await freePort();
  redis = await RedisServer.start({
    config: {
      "tls-port": `${tlsPort}`,
      "tls-cert-file": file("cert.pem", pems.cert),
      "tls-key-file": file("key.pem", pems.key),
      "tls-ca-cert-file": file("ca.pem", pems.ca),
      "tls-auth-clients": "no",
    },
  });
});
afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true });
});

test("a node program, told of the authority by NODE_EXTRA_CA_CERTS", async () => {
  const env = {
    PATH: process.env["PATH"],
    PACHYDERM_REDIS_URL: `rediss://127.0.0.1:${tlsPort}`,
    NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
  };
  const node = new NodeProcess({ name: "a node", httpPort: await freePort(), env, onLine: () => {} });
  await node.serves();
  const response = await fetch(`${node.address}/entities/counter/${newId()}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"type":"increment"}',
  });
  expect(response.status).toBe(200);
  await node.stop();
});

test("a program of one's own, told by the options of ioredis; who is not told of the authority is not connected", async () => {
  const start = (tls: { readonly ca?: string }, startTimeoutMs: number) => {
    const place = { host: "127.0.0.1", port: tlsPort, tls };
    return Pachyderm.start({ entities: [box], redis: place, network: "own", startTimeoutMs });
  };
  const node = await start({ ca: pems.ca }, 20_000);
  const { version } = await node.send(box.ref(newId()), { type: "add" });
  expect(version).toBe(1);
  await node.stop();
  await expect(start({}, 1_500)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
});
