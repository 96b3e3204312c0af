// TLS between nodes: each checks the other's certificate, and says so when it is not what it should be.

import { connect as connectPlainly } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { transportLaws } from "../../src/laws/transport.ts";
import { Authority } from "../harness/certificates.ts";
import { wireTransports } from "../harness/transport-backends.ts";
import { until } from "../harness/until.ts";
import { hello, say, serves, WireNode } from "../harness/wire-node.ts";
import { runLaws } from "../laws/run.ts";

const ours = new Authority("ours");
const theirs = new Authority("theirs");
const node127 = ours.issue("IP:127.0.0.1", "IP:::1", "DNS:localhost");
afterEach(() => WireNode.closeAll());
afterAll(() => {
  ours.remove();
  theirs.remove();
});

const tls = { tls: node127, secrets: [] };
const answered = { kind: "answered", answer: ["are you well?"] };

describe("the laws, over TLS with a secret", () => {
  const few = transportLaws.filter(({ name }) =>
    /every part|many in flight|order|frozen|dies|close lets/.test(name),
  );
  runLaws(few, wireTransports("wire over TLS", { secrets: ["a-secret"], tls: node127 }));
});

test.each([["127.0.0.1"], ["::1"], ["localhost"]])("two nodes at %s", async (host) => {
  const node = await WireNode.open({ ...tls, listen: { host, port: 0 } });
  expect(await serves(node, tls)).toEqual(answered);
  expect(node.lines).toEqual([]);
});

test("an asker with a certificate of another authority is refused: one line, and the node is unharmed", async () => {
  const node = await WireNode.open(tls);
  const foreign = theirs.issue("IP:127.0.0.1");
  // It trusts us; we do not trust it.
  const asker = await WireNode.open({ secrets: [], tls: { ...foreign, ca: node127.ca } });
  expect((await asker.ask(node, [1])).kind).toBe("undelivered");
  await until("it has tried again", () => asker.transport.state(node.peer) === "down");
  await until("it is told of", () => node.lines.length > 0);
  expect((await asker.ask(node, [2])).kind).toBe("undelivered");
  expect(node.lines).toHaveLength(1);
  expect(node.lines[0]).toMatch(/^refused a stranger: its certificate \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/);
  expect(await serves(node, tls)).toEqual(answered);
});

test("a listener with a certificate of another authority is not asked: one line at the asker", async () => {
  const foreign = theirs.issue("IP:127.0.0.1");
  const node = await WireNode.open({ secrets: [], tls: { ...foreign, ca: node127.ca } });
  const asker = await WireNode.open(tls);
  expect(await asker.ask(node, [1])).toMatchObject({ kind: "undelivered" });
  expect(asker.lines).toHaveLength(1);
  expect(asker.lines[0]).toMatch(/SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
});

test("a listener whose certificate is of another address is not asked, though the authority is ours", async () => {
  const elsewhere = ours.issue("IP:10.1.2.3", "DNS:elsewhere");
  const node = await WireNode.open({ secrets: [], tls: elsewhere });
  const asker = await WireNode.open(tls);
  expect(await asker.ask(node, [1])).toMatchObject({ kind: "undelivered" });
  expect(asker.lines).toHaveLength(1);
  expect(asker.lines[0]).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID/);
});

test("no certificate: refused, one line", async () => {
  const node = await WireNode.open(tls);
  for (let i = 0; i < 3; i++) await knock(node, { ca: node127.ca });
  await until("it is told of", () => node.lines.length > 0);
  expect(node.lines).toHaveLength(1);
  expect(await serves(node, tls)).toEqual(answered);
});

test("TLS before 1.2, plain HTTP, garbage and a handshake that never ends", async () => {
  const node = await WireNode.open({ ...tls, handshakeMs: 1_500, maxStrangers: 3 });
  await knock(node, { ...node127, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" });
  await say(node.port, "GET / HTTP/1.1\r\n\r\n");
  await say(node.port, "x".repeat(1_000));
  expect(node.lines.length).toBeGreaterThanOrEqual(2);
  expect(node.lines.every((line) => line.startsWith("refused a stranger"))).toBe(true);
  // They take up places of strangers, and not for long.
  const before = node.lines.length;
  const slow = Array.from({ length: 3 }, () => connectPlainly(node.port, "127.0.0.1"));
  await Promise.all(slow.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  const more = connectPlainly(node.port, "127.0.0.1").on("error", () => {});
  await new Promise((resolve) => more.once("close", resolve));
  expect(node.lines.slice(before)).toEqual(["more than 3 strangers at once: one was shut out"]);
  await Promise.all(
    slow.map((socket) => new Promise((resolve) => socket.on("error", () => {}).once("close", resolve))),
  );
  expect(await serves(node, tls)).toEqual(answered);
});

test("an asker that speaks TLS to a plain door, and a plain one to a door of TLS, are told so", async () => {
  const plain = await WireNode.open({ secrets: [] });
  const secure = await WireNode.open(tls);
  expect((await secure.ask(plain, [1])).kind).toBe("undelivered");
  expect((await plain.ask(secure, [1])).kind).toBe("undelivered");
  expect([plain.lines.length > 0, secure.lines.length > 0]).toEqual([true, true]);
});

test("with a secret besides, the certificate alone lets nobody in", async () => {
  const node = await WireNode.open({ tls: node127 });
  const asker = await WireNode.open(tls);
  expect(await asker.ask(node, [1])).toMatchObject({
    reason: "it refused: this network has a secret, and no proof of it was given",
  });
  expect(await serves(node, { tls: node127 })).toEqual(answered);
});

/** A stranger over TLS; resolves when the connection has ended. */
function knock(node: WireNode, options: ConnectionOptions): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect({ host: "127.0.0.1", port: node.port, ...options }, () => {
    const headers = Object.entries(hello(node)).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET / HTTP/1.1\r\nhost: a\r\n${headers.join("")}\r\n`);
  });
  socket.on("data", () => {});
  socket.on("error", () => {}); // it closes, whichever way
  socket.on("close", () => resolve());
  return promise;
}
