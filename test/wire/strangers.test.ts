// What a stranger can do at the door without being let in: nothing that harms the node, and not for long.

import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { Challenges } from "../../src/wire/challenges.ts";
import { LATE_MS, rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import { hello, request, say, serves, shake, upgrade, WireNode } from "../harness/wire-node.ts";

afterEach(() => WireNode.closeAll());

const unharmed = { kind: "answered", answer: ["are you well?"] };

/** Connections that do what they like, and keep their own end open. `closed`: the other side has ended its own. */
async function knock(port: number, count: number, then: (socket: Socket) => void = () => {}) {
  const sockets = Array.from({ length: count }, () =>
    connect({ port, host: "127.0.0.1", allowHalfOpen: true }),
  );
  const closed = sockets.map((socket) => {
    socket.on("error", () => {}); // it closes, whichever way
    socket.resume();
    return new Promise<void>((resolve) => {
      socket.on("end", () => resolve());
      socket.on("close", () => resolve());
    });
  });
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  for (const socket of sockets) then(socket);
  return { sockets, closed };
}

test("garbage: one line, the connection is closed, the node unharmed", async () => {
  const node = await WireNode.open();
  for (const bytes of [
    "\u0016\u0003\u0001\u0002",
    "GET\r\n\r\n",
    "x".repeat(1_000),
    "\u0000".repeat(100_000),
  ]) {
    await say(node.port, Buffer.from(bytes, "latin1"));
  }
  expect(node.lines).toHaveLength(1);
  expect(node.lines[0]).toMatch(/^refused a stranger at 127\.0\.0\.1: what came is no hello \(HPE_/);
  expect(await serves(node)).toEqual(unharmed);
});

test("HTTP that is no hello is answered in words, once in the log", async () => {
  const node = await WireNode.open();
  const words = "this is a door for nodes of Pachyderm";
  for (const headers of [
    {},
    { "x-pachyderm-id": "a" },
    hello(node, { id: "a\u00e9" }),
    hello(node, { id: "a b" }),
    hello(node, { id: "x".repeat(101) }),
    hello(node, { protocol: "1e1" }),
    hello(node, { protocol: "-1" }),
    hello(node, { network: "" }),
    upgrade,
  ]) {
    expect(await request(node.port, headers)).toMatchObject({ status: 403, words });
  }
  for (const method of ["POST", "DELETE", "OPTIONS"]) {
    const body = `${method} /x HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n${"b".repeat(1_000)}`;
    expect(await say(node.port, body)).toContain(words);
  }
  await say(node.port, "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n");
  expect(node.lines).toEqual([`refused a stranger at 127.0.0.1: ${words}`]);
  expect(await serves(node)).toEqual(unharmed);
});

test("headers without end are cut at 4 KiB", async () => {
  const node = await WireNode.open();
  await say(node.port, `GET / HTTP/1.1\r\nhost: a\r\nx: ${"x".repeat(20_000)}\r\n\r\n`);
  await say(node.port, `GET / HTTP/1.1\r\n${"a: b\r\n".repeat(5_000)}`);
  expect(node.lines.every((line) => line.includes("HPE_"))).toBe(true);
  expect(node.lines).toHaveLength(1);
  expect(await serves(node)).toEqual(unharmed);
});

test("strangers that say nothing, or say it slowly, are shut out in time, and told of once", async () => {
  const node = await WireNode.open({ handshakeMs: 400 });
  const before = performance.now();
  const silent = await knock(node.port, 3);
  const slow = await knock(node.port, 3, (socket) => {
    socket.write("GET / HTTP/1.1\r\n");
    const timer = setInterval(() => socket.write("a: b\r\n"), 50);
    socket.once("close", () => clearInterval(timer));
  });
  const body = await knock(node.port, 3, (socket) =>
    socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n"),
  );
  await Promise.all([...silent.closed, ...slow.closed, ...body.closed]);
  expect(performance.now() - before).toBeLessThan(400 + LATE_MS);
  expect(node.lines.filter((line) => line.includes("TIMEOUT"))).toHaveLength(1);
  expect(await serves(node)).toEqual(unharmed);
});

test("refused ones that keep their end open do not take up the places of strangers", async () => {
  const node = await WireNode.open({ maxStrangers: 4 });
  const text = `GET / HTTP/1.1\r\nhost: a\r\n${Object.entries(upgrade)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;
  for (let i = 0; i < 5; i++) {
    const { closed } = await knock(node.port, 4, (socket) => socket.write(text));
    await Promise.all(closed);
  }
  expect(await serves(node)).toEqual(unharmed);
});

test("too many strangers at once: the rest is shut out, one line, and there is room when they are gone", async () => {
  const node = await WireNode.open({ maxStrangers: 5 });
  const { closed, sockets } = await knock(node.port, 5);
  const more = await knock(node.port, 3);
  await Promise.all(more.closed);
  expect(node.lines).toEqual(["more than 5 strangers at once: one was shut out"]);
  const peer = await WireNode.open({ listen: null });
  expect((await peer.ask(node, [1])).kind).toBe("undelivered");
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
  await until("the peer has found its way in", () => peer.transport.state(node.peer) === "up");
});

test("trusted ones take up no place of strangers", async () => {
  const node = await WireNode.open({ maxStrangers: 2 });
  for (let i = 0; i < 5; i++) {
    const peer = await WireNode.open({ listen: null });
    expect((await peer.ask(node, [i])).kind).toBe("answered");
  }
});

test("challenges: nothing is kept of those that were given, and used ones only while they would be good", () => {
  const challenges = new Challenges(1_000);
  const asker = { protocol: 1, network: "main", id: "a", to: "b" };
  const first = challenges.give(asker, 0);
  for (let i = 0; i < 20_000; i++) challenges.give(asker, 0);
  expect(challenges.isGood(first, asker, 999)).toBe(true);
  expect(challenges.isGood(first, { ...asker, id: "c" }, 999)).toBe(false);
  expect(challenges.isGood(first, { ...asker, to: "c" }, 999)).toBe(false);
  challenges.use(first, 500);
  expect(challenges.isGood(first, asker, 999)).toBe(false);
  // It is remembered longer than it is good: forgetting does not make it good again.
  for (const now of [999, 1_000, 1_501, 2_000]) {
    challenges.forget(now);
    expect(challenges.isGood(first, asker, now)).toBe(false);
  }
});

test("fuzzed headers of a handshake: each is refused or let in, and never harms the node", async () => {
  const node = await WireNode.open();
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom("", "1", "main", node.id, "__proto__", "constructor", "a, b", "0".repeat(2_000)),
  );
  const names = ["protocol", "network", "id", "to", "asker", "listener", "proof", "nonce", "refusal"];
  const changes = fc.dictionary(fc.constantFrom(...names), text, { maxKeys: 5 });
  const run = async (changed: Readonly<Record<string, string>>, second: boolean) => {
    const headers = Object.fromEntries(
      Object.entries(changed).map(([name, value]) => [
        `x-pachyderm-${name}`,
        Buffer.from(value.replace(/[\r\n\0]/g, "")).toString("latin1"),
      ]),
    );
    let status = 0;
    try {
      status = second
        ? (await shake(node, undefined, headers)).status
        : (await request(node.port, { ...hello(node), ...headers })).status;
    } catch (thrown) {
      // Node's own client does not say some of them; or the headers were too long, and the connection was cut.
      expect(String(thrown)).toMatch(
        /ERR_INVALID_CHAR|Invalid character|ECONNRESET|EPIPE|hang up|Parse Error/,
      );
      return;
    }
    // Unknown, refused, too long, another node's: but let in only as itself.
    const own: Readonly<Record<string, string>> = { protocol: "1", network: "main", to: node.id };
    const harmless = Object.entries(changed).every(
      ([name, value]) =>
        ["nonce", "refusal"].includes(name) || own[name] === value.replace(/[\r\n\0]/g, "").trim(),
    );
    expect([400, 401, 403, 421, 431, ...(harmless ? [101] : [])]).toContain(status);
  };
  await fc.assert(
    fc.asyncProperty(changes, fc.boolean(), (changed, second) => run(changed, second)),
    { numRuns: rounds(300, 5_000) },
  );
  expect(await serves(node)).toEqual(unharmed);
});
