// Who is let in, and who is not: refused in words, with one line in the log, and the node unharmed.

import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/node/clock.ts";
import { until } from "../harness/until.ts";
import {
  hello,
  nonceOf,
  prefixed,
  proofOf,
  request,
  SECRET,
  serves,
  shake,
  upgrade,
  WireNode,
} from "../harness/wire-node.ts";

afterEach(() => WireNode.closeAll());

const unharmed = { kind: "answered", answer: ["are you well?"] };

describe("two nodes that do not belong together", () => {
  const other = "the secret of another network";
  test.each([
    ["wrong secret", { secrets: [other] }, {}, "the secret is not this network's"],
    ["no secret", { secrets: [] }, {}, "this network has a secret, and no proof of it was given"],
    ["a secret too many", {}, { secrets: [] }, "this node has no secret, and was given a proof of one"],
    ["wrong version", { protocol: 2 }, {}, "this node speaks version 1 of the protocol, not 2"],
    ["wrong network", { network: "other" }, {}, "this is a node of the network main, not other"],
  ])(
    "%s: refused in words, one line on each side however often it tries",
    async (_, asks, listens, words) => {
      const node = await WireNode.open(listens);
      const stranger = await WireNode.open(asks);
      const refused = await stranger.ask(node, ["let me in"]);
      expect(refused).toEqual({ kind: "undelivered", reason: `it refused: ${words}` });
      // It goes on trying.
      const before = Date.now();
      for (let tries = 0; tries < 8 || Date.now() - before < 300; tries++)
        await shakeAs(node, stranger.id, words);
      expect(node.lines.filter((line) => line.includes(stranger.id))).toEqual([
        `refused the node ${stranger.id} at 127.0.0.1: ${words}`,
      ]);
      expect(stranger.lines).toEqual([`the node ${node.id} at ${node.peer.address}: it refused: ${words}`]);
      expect(stranger.transport.state(node.peer)).toBe("down");
      expect(await serves(node, listens)).toEqual(unharmed);
    },
  );

  /** Some more tries of the same node, so that a line for each would be seen. */
  async function shakeAs(node: WireNode, id: string, words: string): Promise<void> {
    const peer = await WireNode.open({
      id,
      ...(words.includes("version") ? { protocol: 2 } : {}),
      ...(words.includes("network main") ? { network: "other" } : {}),
      ...(words.includes("no proof") ? { secrets: [] } : {}),
      ...(words.includes("not this network's") ? { secrets: [other] } : {}),
    });
    expect((await peer.ask(node, [1])).kind).toBe("undelivered");
    await peer.transport.close(0);
  }
});

test("that another node is at the address by now is no line: nodes come and go", async () => {
  const [node, peer] = [await WireNode.open(), await WireNode.open()];
  const gone = { id: "gone", address: node.peer.address };
  expect(await peer.ask(gone, [1])).toMatchObject({
    reason: "it refused: the node gone is not here any more",
  });
  expect([...node.lines, ...peer.lines]).toEqual([]);
});

test("a listener that does not know the secret is told nothing but a hello, and one proof that is good for nobody else", async () => {
  const fake = await WireNode.open({ secrets: [] });
  const real = await WireNode.open();
  expect(await real.ask(fake, ["secret question"])).toMatchObject({ kind: "undelivered" });
  expect(fake.lines).toEqual([
    `refused the node ${real.id} at 127.0.0.1: this node has no secret, and was given a proof of one`,
  ]);
});

describe("a stranger who knows the protocol", () => {
  test("with the secret it is let in: the checks below fail for what they say", async () => {
    const node = await WireNode.open();
    const { status, socket, headers } = await shake(node);
    expect(status).toBe(101);
    expect(headers["x-pachyderm-proof"]).toHaveLength(43);
    socket?.destroy();
  });

  test("what the node proves to an asker is a listener's proof, and no asker's", async () => {
    const node = await WireNode.open();
    const said = hello(node);
    const listener = await nonceOf(node, said);
    const proof = proofOf(SECRET, "asker", said, "my-nonce", listener);
    const all = { ...said, ...upgrade, ...prefixed({ asker: "my-nonce", listener, proof }) };
    const { headers, socket } = await request(node.port, all);
    expect(headers["x-pachyderm-proof"]).toBe(proofOf(SECRET, "listener", said, "my-nonce", listener));
    expect(headers["x-pachyderm-proof"]).not.toBe(proof);
    socket?.destroy();
  });

  test("a proof that was seen is no good a second time", async () => {
    const node = await WireNode.open();
    const said = hello(node);
    const listener = await nonceOf(node, said);
    const proof = proofOf(SECRET, "asker", said, "my-nonce", listener);
    const all = { ...said, ...upgrade, ...prefixed({ asker: "my-nonce", listener, proof }) };
    const first = await request(node.port, all);
    expect(first.status).toBe(101);
    first.socket?.destroy();
    const again = await request(node.port, all);
    expect(again).toMatchObject({
      status: 403,
      words: "the challenge is not (or no longer) one of this node's",
    });
    expect(node.lines.filter((line) => line.includes("challenge"))).toHaveLength(1);
  });

  test("a listener's proof is no asker's: what a node says of itself lets nobody in (reflection)", async () => {
    const node = await WireNode.open();
    const said = hello(node);
    const listener = await nonceOf(node, said);
    const proof = proofOf(SECRET, "listener", said, "my-nonce", listener);
    const all = { ...said, ...upgrade, ...prefixed({ asker: "my-nonce", listener, proof }) };
    expect(await request(node.port, all)).toMatchObject({
      status: 403,
      words: "the secret is not this network's",
    });
  });

  test("a nonce of another node, of another asker, changed, invented, empty or too old is none", async () => {
    const node = await WireNode.open({ handshakeMs: 200 });
    const other = await WireNode.open();
    const said = hello(node);
    const own = await nonceOf(node, said);
    const [until = "", random = "", seal = ""] = own.split(".");
    const forged = [
      await nonceOf(other, hello(other)),
      await nonceOf(node, hello(node, { id: "somebody-else" })),
      `${(Number.parseInt(until, 36) + 60_000).toString(36)}.${random}.${seal}`,
      `${until}.${random}.${"A".repeat(seal.length)}`,
      `${own}.more`,
      `${until}..${seal}`,
      "invented",
      "",
    ];
    const tryWith = async (listener: string) => {
      const proof = proofOf(SECRET, "asker", said, "my-nonce", listener);
      return await request(node.port, {
        ...said,
        ...upgrade,
        ...prefixed({ asker: "my-nonce", listener, proof }),
      });
    };
    for (const nonce of forged) {
      expect(await tryWith(nonce), nonce).toMatchObject({
        status: 403,
        words: "the challenge is not (or no longer) one of this node's",
      });
    }
    const end = systemClock.monotonicMs() + 200;
    await until_(() => systemClock.monotonicMs() > end);
    expect((await tryWith(own)).status).toBe(403);
  });

  const until_ = (holds: () => boolean) => until("the time of the nonce has passed", holds);

  test("what was proved is all that is said: a changed id, network, version or nonce needs another proof", async () => {
    const node = await WireNode.open();
    for (const changed of [
      prefixed({ id: "another-stranger" }),
      prefixed({ network: "other" }),
      prefixed({ protocol: "2" }),
      prefixed({ asker: "another-nonce" }),
      prefixed({ asker: "" }),
      prefixed({ proof: "" }),
      prefixed({ proof: "A".repeat(43) }),
      prefixed({ proof: "A" }),
    ]) {
      expect((await shake(node, SECRET, changed)).status, JSON.stringify(changed)).toBe(403);
    }
    expect(await serves(node)).toEqual(unharmed);
  });

  test("one that is let in and is no WebSocket leaves nothing behind for the next one", async () => {
    const node = await WireNode.open();
    for (const changed of [
      { "sec-websocket-key": "short" },
      { "sec-websocket-version": "99" },
      { upgrade: "h2c" },
    ]) {
      await shake(node, SECRET, changed as never).catch(() => {}); // cut, or answered 400
    }
    await until("they are told of", () => node.lines.length >= 3);
    expect(node.lines).toHaveLength(3);
    expect(await serves(node)).toEqual(unharmed);
  });
});

describe("a secret is changed", () => {
  const [old, next] = ["the old secret", "the next secret"];
  const stages = [[old], [old, next], [next, old], [next]] as const;
  test.each([
    [0, 0],
    [0, 1],
    [1, 1],
    [1, 2],
    [2, 2],
    [2, 3],
    [3, 3],
  ])("nodes at the stages %i and %i ask each other, both ways", async (a, b) => {
    const one = await WireNode.open({ secrets: stages[a] ?? [] });
    const two = await WireNode.open({ secrets: stages[b] ?? [] });
    expect((await one.ask(two, [1])).kind).toBe("answered");
    expect((await two.ask(one, [2])).kind).toBe("answered");
    expect([...one.lines, ...two.lines]).toEqual([]);
  });

  test("nodes that are two stages apart and share no first secret", async () => {
    const one = await WireNode.open({ secrets: [old] });
    const two = await WireNode.open({ secrets: [next, old] });
    expect((await one.ask(two, [1])).kind).toBe("answered");
    expect((await two.ask(one, [2])).kind).toBe("undelivered");
  });
});
