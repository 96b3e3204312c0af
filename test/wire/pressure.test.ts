// Peers that do not read, ask faster than they are answered, are slow, stall or vanish: what that costs, and that it ends.

import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Delivery, Parcel } from "../../src/ports/transport.ts";
import { TcpProxy } from "../harness/proxy.ts";
import { LATE_MS } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import { serves, WireNode } from "../harness/wire-node.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  await WireNode.closeAll();
  await Promise.all(ends.splice(0).map((end) => end()));
});

const unharmed = { kind: "answered", answer: ["are you well?"] };
const text = "x".repeat(50_000);

async function behindProxy(node: WireNode) {
  const proxy = await TcpProxy.start(node.port);
  ends.push(() => proxy.stop());
  return { proxy, peer: { id: node.id, address: `127.0.0.1:${proxy.port}` } };
}

test("an asker that does not read its answers is cut off, and costs no more memory than may wait", async () => {
  const maxWaitingBytes = 1_048_576;
  const node = await WireNode.open({
    maxWaitingBytes,
    listener: (question, answer) => answer(question[0] === "large" ? [text] : question),
  });
  const asker = await WireNode.open({ listen: null });
  const { proxy, peer } = await behindProxy(node);
  expect((await asker.ask(peer, ["small"])).kind).toBe("answered");
  const replies: Promise<Delivery>[] = [];
  const before = process.memoryUsage().rss;
  proxy.holdReplies();
  // Enough to fill what the operating system takes off a sender's hands, and more.
  for (let i = 0; i < 600; i++) replies.push(asker.ask(peer, ["large"], 30_000));
  await until("it is cut off", () => node.lines.length > 0);
  expect(node.lines).toEqual([
    `the line of the node ${asker.id} was cut: the node does not read its answers`,
  ]);
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1_048_576);
  proxy.heal();
  for (const { kind } of await Promise.all(replies)) expect(["answered", "lost"]).toContain(kind);
  expect(await serves(node)).toEqual(unharmed);
});

test("who asks faster than is answered is read no further, by count", async () => {
  const waiting: (() => void)[] = [];
  const node = await WireNode.open({
    maxAsked: 100,
    listener: (question, answer) => waiting.push(() => answer(question)),
  });
  const asker = await WireNode.open({ listen: null });
  const asked: Promise<Delivery>[] = [];
  // One frame each: a frame is read as a whole.
  for (let i = 0; i < 1_000; i++) {
    asked.push(asker.ask(node, [i]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("it has taken what it takes", () => waiting.length >= 100);
  // What one read of the socket brought is taken, and nothing beyond.
  const taken = waiting.length;
  expect(taken).toBeLessThan(1_000);
  await silence(asker, node);
  expect(waiting.length).toBe(taken);
  expect(asker.transport.state(node.peer)).toBe("up");
  while (waiting.length > 0) {
    for (const answer of waiting.splice(0)) answer();
    await new Promise((resolve) => setImmediate(resolve));
    await until(
      "the next ones came, or none is left",
      async () => waiting.length > 0 || (await areDone(asked)),
    );
  }
  const answers = (await Promise.all(asked)).map(
    (delivery) => delivery.kind === "answered" && delivery.answer[0],
  );
  expect(answers).toEqual(asked.map((_, i) => i));
});

async function areDone(asked: readonly Promise<unknown>[]): Promise<boolean> {
  const open = Symbol("open");
  const last = await Promise.race([
    Promise.all(asked),
    new Promise((resolve) => setImmediate(resolve, open)),
  ]);
  return last !== open;
}

/** As long as a peer must be silent to be taken for silent: what it does while it is not read. */
async function silence(asker: WireNode, node: WireNode): Promise<void> {
  const other = await WireNode.open();
  const { proxy, peer } = await behindProxy(other);
  await asker.ask(peer, [1]);
  proxy.hold();
  await until("another one would be silent", () => asker.transport.state(peer) === "silent");
  expect(asker.transport.state(node.peer)).toBe("up");
}

test("and by bytes: large questions that are not answered fill no memory", async () => {
  const waiting: (() => void)[] = [];
  const node = await WireNode.open({
    maxWaitingBytes: 1_048_576,
    listener: (_, answer) => waiting.push(() => answer([])),
  });
  const asker = await WireNode.open({ listen: null });
  const asked = Array.from({ length: 400 }, () => asker.ask(node, [text], 20_000));
  await until("it has taken what it takes", () => waiting.length >= 20);
  await silence(asker, node);
  expect(waiting.length).toBeLessThan(60);
  let answered = 0;
  while (answered < asked.length) {
    await until("more came", () => waiting.length > 0);
    for (const answer of waiting.splice(0)) {
      answer();
      answered += 1;
    }
  }
  for (const { kind } of await Promise.all(asked)) expect(kind).toBe("answered");
});

test("a large question on a slow line is heard of long before its end", async () => {
  const node = await WireNode.open({ listener: (question, answer) => answer([String(question[0]).length]) });
  const slow = await SlowProxy.start(node.port, 10_000, 5);
  ends.push(() => slow.stop());
  const asker = await WireNode.open({ silentMs: 150 });
  const states: string[] = [];
  asker.transport.onState((_, state) => states.push(state));
  const peer = { id: node.id, address: `127.0.0.1:${slow.port}` };
  await asker.ask(peer, ["warm"]);
  const large = "y".repeat(1_000_000);
  // There and back: what the node reads slowly it answers, what it answers is read slowly.
  const began = performance.now();
  const echoNode = await WireNode.open();
  slow.target = echoNode.port;
  expect(await asker.ask(peer, [large], 20_000)).toEqual({ kind: "answered", answer: [large.length] });
  expect(performance.now() - began).toBeGreaterThan(300);
  expect(states).toEqual(["up"]);
});

/** Passes so many bytes each so many milliseconds, one way at a time. */
class SlowProxy {
  target: number;
  /** Bytes, both ways. */
  passed = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number, bytes: number, ms: number) {
    this.target = target;
    this.#server = createServer((client) => {
      const server = connect(this.target, "127.0.0.1");
      this.#trickle(client, server, bytes, ms);
      this.#trickle(server, client, bytes, ms);
    });
  }

  static async start(target: number, bytes: number, ms: number): Promise<SlowProxy> {
    const proxy = new SlowProxy(target, bytes, ms);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #trickle(from: Socket, to: Socket, bytes: number, ms: number): void {
    this.#sockets.add(from);
    from.on("error", () => {}).on("close", () => to.destroy());
    from.pause();
    const timer = setInterval(() => {
      const chunk: Buffer | null = from.read(Math.min(bytes, from.readableLength || 1));
      if (chunk === null) return;
      this.passed += chunk.length;
      to.write(chunk);
    }, ms);
    from.once("close", () => clearInterval(timer));
    from.once("end", () => to.end());
  }
}

test("a node that was held up judges nobody, and is taken for up again", async () => {
  const node = await WireNode.open();
  const asker = await WireNode.open({ silentMs: 100, heartbeatMs: 20 });
  const states: string[] = [];
  asker.transport.onState((_, state) => states.push(state));
  await asker.ask(node, [1]);
  for (let i = 0; i < 3; i++) {
    const end = performance.now() + 300;
    while (performance.now() < end); // the event loop is held up
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await asker.ask(node, [i])).kind).toBe("answered");
  }
  expect(states).toEqual(["up"]);
});

test("a node that is held up again and again still finds out who is silent", async () => {
  const node = await WireNode.open();
  const { proxy, peer } = await behindProxy(node);
  const asker = await WireNode.open({ silentMs: 100, heartbeatMs: 20 });
  await asker.ask(peer, [1]);
  proxy.hold();
  await until("the silent one is found", () => {
    const end = performance.now() + 60; // each tick is late
    while (performance.now() < end);
    return asker.transport.state(peer) === "silent";
  });
});

test("a black hole that heals: the old connection is let go when nothing is on it, and there is one again", async () => {
  const listener = (question: Parcel, answer: (answer: Parcel) => void): void => answer(question);
  const node = await WireNode.open({ listener });
  const { proxy, peer } = await behindProxy(node);
  const asker = await WireNode.open({ silentMs: 100, heartbeatMs: 20 });
  const states: string[] = [];
  asker.transport.onState((_, state) => states.push(state));
  await asker.ask(peer, [1]);
  states.length = 0;
  for (let rounds = 0; rounds < 4; rounds++) {
    // Old connections are forgotten, as by a firewall, or only held up; new ones pass.
    if (rounds % 2 === 0) proxy.forget();
    else proxy.hold();
    await until("it is silent", () => states.includes("silent"));
    proxy.heal();
    await until("it is up again", () => asker.transport.state(peer) === "up");
    expect((await asker.ask(peer, [rounds])).kind).toBe("answered");
    states.length = 0;
  }
  await until("there is one connection", () => proxy.live === 1);
});

test("a dial into a black hole ends, and the peer is found within a second of the heal", async () => {
  const node = await WireNode.open();
  const { proxy, peer } = await behindProxy(node);
  proxy.blackhole();
  const asker = await WireNode.open({ dialMs: 200 });
  const began = performance.now();
  expect((await asker.ask(peer, [1])).kind).toBe("undelivered");
  expect(performance.now() - began, "by the end of the dial, and not of the question").toBeLessThan(4_000);
  expect(asker.transport.state(peer)).toBe("down");
  proxy.heal();
  const healed = performance.now();
  await until("it is found", () => asker.transport.state(peer) === "up");
  expect(performance.now() - healed).toBeLessThan(1_000 + LATE_MS);
});

test("what was answered last arrives, though it is much and the line is slow, before a node ends", async () => {
  const node = await WireNode.open({ listener: (_, answer) => answer(["z".repeat(3_000_000)]) });
  const slow = await SlowProxy.start(node.port, 50_000, 5);
  ends.push(() => slow.stop());
  const asker = await WireNode.open();
  const peer = { id: node.id, address: `127.0.0.1:${slow.port}` };
  let heard = false;
  const asked = asker.ask(peer, [1], 20_000).finally(() => {
    heard = true;
  });
  await until("it is answering", () => slow.passed > 200_000);
  expect(heard).toBe(false);
  await node.transport.close(performance.now() + 10_000);
  expect(await asked).toMatchObject({ kind: "answered" });
});

test("a node that ends says good-bye: no line in the log of those that it had asked", async () => {
  const node = await WireNode.open();
  const asker = await WireNode.open({ listen: null });
  await asker.ask(node, [1]);
  await asker.transport.close(0);
  const another = await WireNode.open();
  await another.ask(node, [2]);
  another.transport.keep([]);
  await serves(node);
  expect(node.lines).toEqual([]);
});

test("a node ends in a moment, though a peer is frozen", async () => {
  const node = await WireNode.open();
  const { proxy, peer } = await behindProxy(node);
  const asker = await WireNode.open();
  await asker.ask(peer, [1]);
  proxy.hold();
  const began = performance.now();
  await Promise.all([asker.transport.close(began + 15_000), node.transport.close(began + 15_000)]);
  expect(performance.now() - began, "it waits for nobody until the end of its time").toBeLessThan(LATE_MS);
});
