// What comes in frames, from nodes that are trusted and are wrong: one bad frame ends one connection, with one line.

import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { WebSocket as Client, WebSocketServer } from "ws";
import type { Json } from "../../src/core/json.ts";
import {
  BYTES_OF_CHARACTER,
  FRAME_ROUND,
  frameOf,
  type Item,
  SIGN_OF_LIFE,
  textOf,
  unpack,
} from "../../src/wire/frame.ts";
import { LATE_MS, rounds } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import { hello, nonceOf, prefixed, proofOf, SECRET, serves, WireNode } from "../harness/wire-node.ts";

const servers: Server[] = [];
afterEach(async () => {
  await WireNode.closeAll();
  for (const server of servers.splice(0)) server.close();
});

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const unharmed = { kind: "answered", answer: ["are you well?"] };

const part = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("question" as const, "answer" as const),
    number: fc.nat(),
    parcel: fc.array(fc.oneof(part, fc.string({ unit: "binary" }))),
  }),
  fc.record({ kind: fc.constant("too-large" as const), number: fc.nat() }),
);
const pack = (items: readonly Item[]): Buffer => Buffer.from(frameOf(items.map(textOf)));
const valid = fc.array(item, { minLength: 1, maxLength: 4 }).map(pack);
const json = (text: string): Buffer => Buffer.from(text);

/** A valid frame with some bytes changed, cut off, doubled or swapped. */
const mutated = fc
  .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), fc.nat(3))
  .map(([frame, changes, cut]) => {
    const bytes = Buffer.from(frame);
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    if (cut === 1) return bytes.subarray(0, bytes.length >> 1);
    return cut === 2 ? Buffer.concat([bytes, bytes]) : bytes;
  });

const WRONG = [
  '[0,1,[],{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}]',
  '{"__proto__":{"polluted":true}}',
  '{"length":3,"0":0,"1":1,"2":[]}',
  "[[0,1,[]]]",
  "[0,1]",
  "[0,1,[],0]",
  "[0,1.5,[]]",
  "[0,1e400,[]]",
  "[0,9007199254740992,[]]",
  "[3,1,[]]",
  "[-1,1,[]]",
  "[0.5,1,[]]",
  '["0",1,[]]',
  '["question",1,[]]',
  '["length",1,[]]',
  "[[0],1,[]]",
  "[0,1,{}]",
  "[0,1,null]",
  '[0,1,"[]"]',
  "[0,1,[NaN]]",
  "[0,1,[1,]]",
  "[0,1,[]]//",
  "\ufeff[]",
  "null",
  "",
  "[2,1]",
  "[0,1,[],2,1]",
];

const nasty = fc.oneof(
  fc.integer({ min: 1, max: 12_000 }).map((depth) => json("[".repeat(depth))),
  fc.integer({ min: 1, max: 12_000 }).map((depth) => json(`${"[".repeat(depth)}${"]".repeat(depth)}`)),
  fc.integer({ min: 1, max: 12_000 }).map((depth) => json(`[0,1,${'[{"a":'.repeat(depth)}`)),
  fc.integer({ min: 1, max: 12_000 }).map((length) => json(`[0,${"9".repeat(length)},[]]`)),
  fc.json().map(json),
  fc.jsonValue().map((value) => json(JSON.stringify([value]))),
  fc.tuple(fc.jsonValue(), fc.jsonValue(), fc.jsonValue()).map((three) => json(JSON.stringify(three))),
  fc.constant(json('[0,1,[{"__proto__":{"polluted":true}}]]')),
  fc.constantFrom(...WRONG).map(json),
  // Beginnings of characters without an end, and bytes that begin none.
  fc.constantFrom("c3", "e2828b22", "ff", "5b302c312c5b22f0908022").map(hex),
);

const garbage = fc.oneof(
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 4, arbitrary: mutated },
  { weight: 3, arbitrary: nasty },
);

describe("frames", () => {
  test("what was said is what is read, and its size is bounded before it is a frame", () => {
    fc.assert(
      fc.property(fc.array(item), (items) => {
        const texts = items.map(textOf);
        const frame = frameOf(texts);
        // Lone surrogates too: they are written as escapes.
        expect(unpack(Buffer.from(frame))).toEqual(JSON.parse(JSON.stringify(items)));
        const characters = texts.reduce((sum, text) => sum + text.length + FRAME_ROUND, FRAME_ROUND);
        if (texts.length > 0) expect(frame.length).toBe(characters);
        expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(frame.length * BYTES_OF_CHARACTER);
      }),
    );
  });

  test.each(WRONG)("refused: %s", (text) => {
    expect(() => unpack(json(text))).toThrow();
  });

  test("10,000 fuzzed frames: each is a list of items or refused, in little time and memory, and the next one is read", () => {
    const good = pack([{ kind: "question", number: 5, parcel: ["a", 1, null] }]);
    let refused = 0;
    const before = process.memoryUsage().rss;
    fc.assert(
      fc.property(garbage, (bytes) => {
        const began = performance.now();
        let items: readonly Item[] = [];
        try {
          items = unpack(bytes);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Error);
          refused += 1;
        }
        for (const one of items) {
          expect(["question", "answer", "too-large"]).toContain(one.kind);
          expect(Number.isSafeInteger(one.number)).toBe(true);
          if (one.kind !== "too-large") expect(Array.isArray(one.parcel)).toBe(true);
        }
        expect(performance.now() - began).toBeLessThan(LATE_MS);
        expect(unpack(good)).toEqual([{ kind: "question", number: 5, parcel: ["a", 1, null] }]);
      }),
      { numRuns: 10_000 },
    );
    expect(refused).toBeGreaterThan(5_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(512 * 1_048_576);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  }, 60_000);

  test.each([
    ["lists in lists, without an end", "["],
    ["objects in objects, without an end", '{"a":'],
  ])("%s, as many as a frame holds: refused", (_, one) => {
    const depths = json(one.repeat(Math.floor(4_000_000 / one.length)));
    const before = process.memoryUsage().rss;
    expect(() => unpack(depths)).toThrow();
    expect(process.memoryUsage().rss - before).toBeLessThan(512 * 1_048_576);
  });
});

function say(socket: WebSocket, ...items: readonly Item[]): void {
  socket.send(frameOf(items.map(textOf)));
}

/** A node that knows the secret, and says what it likes. */
async function insider(node: WireNode, onSocket: (raw: Socket) => void = () => {}): Promise<Client> {
  const said = hello(node, { id: "insider" });
  const listener = await nonceOf(node, said);
  const proof = proofOf(SECRET, "asker", said, "n", listener);
  const headers = { ...said, ...prefixed({ asker: "n", listener, proof }) };
  const socket = new Client(`ws://${node.peer.address}/`, { headers, perMessageDeflate: false });
  socket.on("error", () => {}); // it closes, whichever way
  socket.once("upgrade", (response) => onSocket(response.socket));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return socket;
}

const closed = (socket: Client): Promise<void> =>
  new Promise((resolve) => {
    if (socket.readyState === Client.CLOSED) resolve();
    else socket.once("close", () => resolve());
  });

describe("a trusted node that is wrong", () => {
  const frameLimits = { maxFrameBytes: 10_000 };

  test.each([
    ["no frame", (socket: Client) => socket.send("{}"), "what came is no frame"],
    ["no text", (socket: Client) => socket.send(json("[]")), "what came is no frame"],
    [
      "bytes that are no text",
      (socket: Client) => socket.send(hex("c1"), { binary: false }),
      "Invalid WebSocket frame: invalid UTF-8 sequence",
    ],
    ["too large", (socket: Client) => socket.send("x".repeat(10_001)), "Max payload size exceeded"],
    [
      "too large, in pieces",
      (socket: Client) => {
        for (let i = 0; i < 3; i++) socket.send("x".repeat(5_000), { fin: i === 2 });
      },
      "Max payload size exceeded",
    ],
  ])("%s: its connection is cut, one line, and the others go on", async (_, speak, why) => {
    const node = await WireNode.open(frameLimits);
    const peer = await WireNode.open(frameLimits);
    expect((await peer.ask(node, [1])).kind).toBe("answered");
    const socket = await insider(node);
    speak(socket);
    await closed(socket);
    await until("it is told of", () => node.lines.length > 0);
    expect(node.lines).toEqual([`the line of the node insider was cut: ${why}`]);
    expect((await peer.ask(node, [2])).kind).toBe("answered");
    expect(peer.transport.state(node.peer)).toBe("up");
  });

  test("the length that a frame claims is checked before any of it is kept", async () => {
    const node = await WireNode.open(frameLimits);
    let raw: Socket | undefined;
    const socket = await insider(node, (under) => {
      raw = under;
    });
    // A frame of 2^40 bytes, of which only the head comes (RFC 6455, 5.2).
    expect(raw?.write(hex("81ff0000010000000000aabbccdd"))).toBe(true);
    await closed(socket);
    expect(await serves(node)).toEqual(unharmed);
  });

  test("fuzzed frames on a connection: it is cut, or goes on, and the node serves the others", async () => {
    const node = await WireNode.open({ ...frameLimits, maxFrameBytes: 100_000 });
    let socket = await insider(node);
    await fc.assert(
      fc.asyncProperty(garbage, async (bytes) => {
        if (socket.readyState !== Client.OPEN) socket = await insider(node);
        socket.send(bytes, { binary: false });
        await new Promise((resolve) => setImmediate(resolve));
      }),
      { numRuns: rounds(600, 10_000) },
    );
    expect(await serves(node)).toEqual(unharmed);
    // However many were cut: one line for each reason.
    expect(new Set(node.lines).size).toBe(node.lines.length);
    expect(node.lines.length).toBeLessThan(6);
    socket.terminate();
  }, 120_000);

  test("answers to questions that nobody asked, and of other kinds, are let go by", async () => {
    const node = await WireNode.open();
    const socket = await insider(node);
    say(socket, { kind: "answer", number: 1, parcel: [] }, { kind: "too-large", number: 9 });
    socket.send(SIGN_OF_LIFE);
    socket.ping();
    const heard = new Promise<Buffer>((resolve) => {
      socket.on("message", (data: Buffer) => `${data}` !== SIGN_OF_LIFE && resolve(data));
    });
    say(socket, { kind: "question", number: 7, parcel: ["q"] });
    expect(unpack(await heard)).toEqual([{ kind: "answer", number: 7, parcel: ["q"] }]);
    expect(node.lines).toEqual([]);
    socket.terminate();
  });

  test("a question that the listener chokes on costs its asker the connection, not the node its life", async () => {
    const node = await WireNode.open({
      listener: (question, answer) => {
        if (question[0] === "choke") throw new Error("choked");
        answer(question);
      },
    });
    const peer = await WireNode.open({ listen: null });
    expect(await peer.ask(node, ["choke"])).toMatchObject({ kind: "lost" });
    await until("it is told of", () => node.lines.length > 0);
    expect(node.lines).toEqual([
      `the line of the node ${peer.id} was cut: a question could not be taken: choked`,
    ]);
    expect(await serves(node)).toEqual(unharmed);
  });
});

/** A listener that lets everybody in, and says what it likes then. */
async function rogue(speak: (socket: WebSocket) => void): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(401, { "x-pachyderm-nonce": "nonce" }).end();
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  sockets.on("headers", (headers) => headers.push("x-pachyderm-proof: "));
  server.on("upgrade", (request, socket, head) => {
    socket.cork(); // what it says goes with the last header
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      accepted.on("error", () => {});
      speak(accepted);
      process.nextTick(() => socket.uncork());
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("an asker at a listener that is wrong", () => {
  test.each([
    ["no frame", (socket: WebSocket) => socket.send("{}")],
    ["no text", (socket: WebSocket) => socket.send(hex("c1"))],
    ["one that is too large", (socket: WebSocket) => socket.send(Buffer.alloc(200_000))],
    ["an end", (socket: WebSocket) => socket.terminate()],
    ["a good-bye", (socket: WebSocket) => socket.close(4_000, "bye")],
  ])("%s right behind the handshake: the asker lives, and does not dial without pause", async (_, speak) => {
    let dialed = 0;
    const address = await rogue((socket) => {
      dialed += 1;
      speak(socket);
    });
    const node = await WireNode.open({ secrets: [], maxFrameBytes: 100_000 });
    const peer = { id: "rogue", address };
    const before = performance.now();
    while (performance.now() - before < 300) {
      expect(["lost", "undelivered"]).toContain((await node.ask(peer, [1])).kind);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(dialed).toBeGreaterThan(0);
    expect(dialed).toBeLessThan(12);
    expect(await serves(node, { secrets: [] })).toEqual(unharmed);
  });

  test("one that lets everybody in and proves nothing hears no question, and is told of once", async () => {
    const heard: unknown[] = [];
    const address = await rogue((socket) => socket.on("message", (data) => heard.push(data)));
    const node = await WireNode.open();
    const peer = { id: "rogue", address };
    const reason = "it could not prove that it knows the secret";
    expect(await node.ask(peer, ["secret question"])).toEqual({ kind: "undelivered", reason });
    expect(node.lines).toEqual([`the node rogue at ${address}: ${reason}`]);
    expect(heard).toEqual([]);
  });

  test("answers that are none of its questions', twice, or garbled, harm nobody", async () => {
    const address = await rogue((socket) => {
      say(socket, { kind: "answer", number: 900, parcel: ["before it was asked"] });
      socket.on("message", (data: Buffer) => {
        for (const { kind, number } of unpack(data)) {
          if (kind !== "question") continue;
          say(socket, { kind: "answer", number: number + 1_000, parcel: ["another's"] });
          say(socket, { kind: "question", number, parcel: ["asked back"] });
          say(
            socket,
            { kind: "answer", number, parcel: ["its own"] },
            { kind: "answer", number, parcel: ["twice"] },
          );
        }
      });
    });
    const node = await WireNode.open({ secrets: [] });
    for (let i = 0; i < 3; i++) {
      expect(await node.ask({ id: "rogue", address }, [i])).toEqual({
        kind: "answered",
        answer: ["its own"],
      });
    }
  });

  test("a page of the web at the address: refused, in words, one line", async () => {
    const server = createServer((_, response) => response.writeHead(200).end("x".repeat(100_000)));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const node = await WireNode.open();
    expect(await node.ask({ id: "web", address }, [1])).toMatchObject({ kind: "undelivered" });
    expect(node.lines).toEqual([`the node web at ${address}: it answered 200, as no node does`]);
  });

  test("a challenge that is no challenge, and a body without end", async () => {
    const server = createServer((request, response) => {
      response.writeHead(401, { "x-pachyderm-nonce": "a b" });
      const timer = setInterval(() => response.write("x".repeat(10_000)), 1);
      request.on("close", () => clearInterval(timer));
      response.on("close", () => clearInterval(timer));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const node = await WireNode.open();
    expect(await node.ask({ id: "web", address }, [1])).toMatchObject({ kind: "undelivered" });
    expect(node.lines).toEqual([`the node web at ${address}: it answered 401, as no node does`]);
  });
});
