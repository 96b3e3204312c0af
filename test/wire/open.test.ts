// Where a node may listen, and when it must not.

import { afterEach, expect, test } from "vitest";
import { Pachyderm } from "../../src/index.ts";
import { failureOf } from "../harness/engine-node.ts";
import { serves, WireNode } from "../harness/wire-node.ts";

afterEach(() => WireNode.closeAll());

test.each([
  "0.0.0.0",
  "::",
  "192.168.1.1",
  "127.0.0.1.example.com",
  "::ffff:10.0.0.1",
  "localhost.example.com",
  "",
])("%s without secret or TLS: refused in words, before anything listens", async (host) => {
  const failure = await failureOf(WireNode.open({ secrets: [], listen: { host, port: 0 } }));
  expect(failure).toMatchObject({ code: "INVALID_OPTIONS" });
  expect(failure?.message).toMatch(
    /can be reached by others: give cluster\.secret \(or cluster\.tls\), or listen at 127/,
  );
});

test.each(["127.0.0.1", "127.1.2.3", "localhost", "::1"])("%s needs neither", async (host) => {
  const node = await WireNode.open({ secrets: [], listen: { host, port: 0 } });
  expect((await serves(node, { secrets: [] })).kind).toBe("answered");
});

test("with a secret any address may be listened at", async () => {
  const node = await WireNode.open({ listen: { host: "0.0.0.0", port: 0 }, advertise: "127.0.0.1:1" });
  expect(node.transport.address).toBe("127.0.0.1:1");
});

test("an address in IPv6 is one that can be asked", async () => {
  const node = await WireNode.open({ listen: { host: "::1", port: 0 } });
  expect(node.transport.address).toMatch(/^\[::1\]:\d+$/);
  expect((await serves(node)).kind).toBe("answered");
});

test("an address that cannot be had is refused in words", async () => {
  const node = await WireNode.open();
  const taken = { host: "127.0.0.1", port: node.port };
  expect(await failureOf(WireNode.open({ listen: taken }))).toMatchObject({
    code: "INVALID_OPTIONS",
    message: `cannot listen for other nodes at 127.0.0.1:${node.port} (EADDRINUSE): choose another host or port`,
  });
});

test("the node's own options: loopback unless set, and no short secret", async () => {
  const open = { redis: "redis://127.0.0.1:1", startTimeoutMs: 200 };
  const failure = await failureOf(Pachyderm.start({ ...open, cluster: { secret: "short" } }));
  expect(failure).toMatchObject({ code: "INVALID_OPTIONS", message: expect.stringContaining("at least 8") });
});
