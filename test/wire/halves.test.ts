// What is said together and is all there is comes in two halves, in order; and what has come is heard, whatever comes next.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import type { Delivery, Parcel } from "../../src/ports/transport.ts";
import { frameOf, type Item, textOf, unpack } from "../../src/wire/frame.ts";
import { Numbered } from "../../src/wire/numbered.ts";
import { until } from "../harness/until.ts";
import { WireNode } from "../harness/wire-node.ts";

const servers: Server[] = [];
afterEach(async () => {
  await WireNode.closeAll();
  for (const server of servers.splice(0)) server.close();
});

/** What is noted before the callbacks that are due have run, list by list: as the engine gathers. */
class Bursts {
  readonly all: unknown[][] = [];
  #open = false;

  note(what: unknown): void {
    if (!this.#open) {
      this.#open = true;
      this.all.push([]);
      process.nextTick(() => {
        this.#open = false;
      });
    }
    this.all.at(-1)?.push(what);
  }

  get flat(): unknown[] {
    return this.all.flat();
  }

  get sizes(): readonly number[] {
    return this.all.map(({ length }) => length);
  }
}

/** A node that notes what it is asked, and answers when it is told; and one that asks it, connected. */
async function two() {
  const asked = new Bursts();
  const waiting: (() => void)[] = [];
  const node = await WireNode.open({
    listener: (question, answer) => {
      if (question[0] === "hello") return answer(question);
      asked.note(question[0]);
      waiting.push(() => answer(question));
    },
  });
  const asker = await WireNode.open({ listen: null });
  expect((await asker.ask(node, ["hello"])).kind).toBe("answered");
  const answered = new Bursts();
  /** Whatever comes of it is noted: the number, where it is the answer to that question. */
  const ask = (from: number, to: number, text = ""): void => {
    for (let i = from; i < to; i++)
      void asker.ask(node, [i, text], 30_000).then((delivery) => {
        answered.note(delivery.kind === "answered" && delivery.answer[0] === i ? i : delivery);
      });
  };
  const answer = (count: number): void => {
    for (const one of waiting.splice(0, count)) one();
  };
  return { asked, waiting, answered, ask, answer };
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

describe("halves", () => {
  test("64 that are asked together are heard in two halves, and answered together they come back in two", async () => {
    const { asked, waiting, answered, ask, answer } = await two();
    ask(0, 64);
    await until("all are heard", () => waiting.length === 64);
    expect(asked.sizes).toEqual([32, 32]);
    expect(asked.flat).toEqual(upTo(64));
    answer(64);
    await until("all are answered", () => answered.flat.length === 64);
    expect(answered.sizes).toEqual([32, 32]);
    expect(answered.flat).toEqual(upTo(64));
  });

  test("fewer go together", async () => {
    const { asked, waiting, answered, ask, answer } = await two();
    ask(0, 47);
    await until("all are heard", () => waiting.length === 47);
    expect(asked.sizes).toEqual([47]);
    answer(47);
    await until("all are answered", () => answered.flat.length === 47);
    expect(answered.sizes).toEqual([47]);
  });

  test("where others are on the way already, or wait for their answers, as many go together", async () => {
    const { asked, waiting, answered, ask, answer } = await two();
    ask(0, 40);
    await until("the first are heard", () => waiting.length === 40);
    ask(40, 104);
    await until("all are heard", () => waiting.length === 104);
    expect(asked.sizes).toEqual([40, 64]);
    answer(64);
    await until("the first are answered", () => answered.flat.length === 64);
    answer(40);
    await until("all are answered", () => answered.flat.length === 104);
    expect(answered.sizes).toEqual([64, 40]);
    expect(answered.flat).toEqual(upTo(104));
  });

  test("many large frames in one go are heard in order, each once", async () => {
    const { asked, waiting, answered, ask, answer } = await two();
    // A frame has 64 Ki characters at most: these are nine, of 32 or so.
    ask(0, 280, "x".repeat(2_000));
    await until("all are heard", () => waiting.length === 280);
    expect(asked.flat).toEqual(upTo(280));
    answer(280);
    await until("all are answered", () => answered.flat.length === 280);
    expect(answered.flat).toEqual(upTo(280));
  });

  test.each([
    ["its end without a word", (_: WebSocket, under: Duplex) => under.end()],
    ["what is no frame, for which it is ended", (socket: WebSocket) => socket.send("{}")],
  ])("answers that came right before %s are answers", async (_, end) => {
    const heard: number[] = [];
    const address = await lets((socket, under) => {
      socket.on("message", (data: Buffer) => {
        for (const { number } of unpack(data)) heard.push(number);
        if (heard.length < 64) return;
        socket.send(answers(heard.slice(0, 32)));
        socket.send(answers(heard.slice(32)));
        end(socket, under);
      });
    });
    const node = await WireNode.open({ secrets: [] });
    const asked = upTo(64).map((i): Promise<Delivery> => node.ask({ id: "other", address }, [i]));
    const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
    expect(kinds).toEqual(upTo(64).map(() => "answered"));
  });
});

function answers(numbers: readonly number[]): string {
  const parcel: Parcel = ["ok"];
  return frameOf(numbers.map((number) => textOf({ kind: "answer", number, parcel } satisfies Item)));
}

/** A listener that lets everybody in. */
async function lets(speak: (socket: WebSocket, under: Duplex) => void): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(401, { "x-pachyderm-nonce": "nonce" }).end();
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  sockets.on("headers", (headers) => headers.push("x-pachyderm-proof: "));
  server.on("upgrade", (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (accepted) => speak(accepted, socket)),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("what waits by its number is found, let go once, and told in order, however long some of it waits", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant("add" as const) },
    { weight: 3, arbitrary: fc.nat() },
    // Others come and go meanwhile: the places of those that stay are needed again.
    { weight: 1, arbitrary: fc.constant("turn" as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const numbered = new Numbered<{ readonly number: number }>();
      const model = new Map<number, { readonly number: number }>();
      let number = 0;
      const add = (): void => {
        number += 1;
        const value = { number };
        numbered.add(value);
        model.set(number, value);
      };
      for (const one of steps) {
        if (one === "add") add();
        else if (one === "turn") {
          for (let i = 0; i < 4_095; i++) {
            add();
            expect(numbered.delete(number)).toBe(model.delete(number));
          }
        } else {
          const known = [...model.keys()];
          const some = known[one % (known.length + 1)] ?? number + 1;
          expect(numbered.get(some)).toBe(model.get(some));
          expect(numbered.delete(some)).toBe(model.delete(some));
          expect(numbered.delete(some)).toBe(false);
          expect(numbered.get(some)).toBeUndefined();
        }
        expect(numbered.size).toBe(model.size);
        for (const value of model.values()) expect(numbered.get(value.number)).toBe(value);
      }
      expect(numbered.all()).toEqual([...model.values()]);
    }),
    { numRuns: 100 },
  );
});
