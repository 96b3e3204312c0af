// One message on its way to other nodes, with what comes back scripted: which answers count, and what is said of the rest.

import { beforeEach, expect, test } from "vitest";
import type { Member } from "../../src/core/member.ts";
import type { Answer, Sealed, Sender } from "../../src/engine/envelope.ts";
import { Forward, type Step, type Ways } from "../../src/engine/forward.ts";
import { LET_GO, writeError, writeNotTaken, writeOk } from "../../src/engine/parcels.ts";
import { newId, PachydermError } from "../../src/index.ts";
import type { Delivery, Parcel } from "../../src/ports/transport.ts";
import { turns } from "../harness/engine-node.ts";

interface Asked {
  readonly id: string;
  readonly attempt: number;
  readonly hops: number;
  deliver(delivery: Delivery): Promise<void>;
}

/** The nodes in rank; what each says is the test's to choose. */
class Script implements Ways {
  readonly asked: Asked[] = [];
  readonly here: { readonly attempt: number; readonly sender: Sender }[] = [];
  nodes: readonly string[] = ["a", "b", "c"];
  waiting = 0;
  settledCount = 0;

  next({ skip, preferred }: Forward): Step {
    const order = preferred === null ? this.nodes : [preferred, ...this.nodes];
    const id = order.find((one) => !skip.has(one));
    if (id === undefined) return { kind: "nowhere" };
    return id === "here" ? { kind: "here" } : { kind: "there", member: { id, address: id } as Member };
  }

  ask(forward: Forward, { id }: Member, settle: (delivery: Delivery) => void): void {
    const deliver = async (delivery: Delivery): Promise<void> => {
      settle(delivery);
      await turns();
    };
    this.asked.push({ id, attempt: forward.attempt, hops: forward.hops, deliver });
  }

  takeHere({ attempt }: Forward, sender: Sender): void {
    this.here.push({ attempt, sender });
  }

  wait(): void {
    this.waiting += 1;
  }

  settled(): void {
    this.settledCount += 1;
  }

  at(i: number): Asked {
    const asked = this.asked[i];
    if (asked === undefined) throw new Error(`only ${this.asked.length} were asked`);
    return asked;
  }

  get who(): string {
    return this.asked.map(({ id, attempt }) => `${id}${attempt}`).join(" ");
  }
}

const ok = (version: number, recorded: boolean): Delivery =>
  answered(
    writeOk(
      { version, commitId: "c", handledVersion: version, reply: null, duplicate: false, value: { n: 1 } },
      recorded,
    ),
  );
const failure = (code: "REJECTED" | "MAILBOX_FULL" | "STORE_UNAVAILABLE", recorded: boolean): Delivery =>
  answered(writeError(new PachydermError(code, code), recorded));
const answered = (answer: Parcel): Delivery => ({ kind: "answered", answer });
const lost: Delivery = { kind: "lost", reason: "the line broke" };
const undelivered: Delivery = { kind: "undelivered", reason: "nobody listens" };

let script: Script;
let ends: { readonly value?: Answer; readonly error?: PachydermError }[];

const add = { type: "add" };
const aGet = undefined;

function start({ message }: { readonly message: Sealed["message"] } = { message: add }): Forward {
  const sealed = { reference: { type: "t", id: newId() }, message, deadline: 1_000 } as Sealed;
  const sender: Sender = {
    resolve: (value) => ends.push({ value: value as Answer }),
    reject: (error) => ends.push({ error }),
  };
  const forward = new Forward(sealed, 0, sender, (answer) => answer, script);
  forward.go();
  return forward;
}

beforeEach(() => {
  script = new Script();
  ends = [];
});

test("one attempt: its answer is the message's, recorded or not", async () => {
  start();
  await script.at(0).deliver(ok(3, false));
  expect(ends).toMatchObject([{ value: { version: 3, value: { n: 1 } } }]);
  start();
  await script.at(1).deliver(failure("REJECTED", false));
  expect(ends[1]?.error).toMatchObject({ code: "REJECTED", outcome: "not-committed" });
  expect(script.who).toBe("a1 a1");
});

test("nodes that did not take it are no attempts, and the next one must take it", async () => {
  start();
  await script.at(0).deliver(answered(writeNotTaken("stopping", null)));
  await script.at(1).deliver(undelivered);
  await script.at(2).deliver(ok(1, false));
  expect(script.who).toBe("a1 b1 c1");
  expect(script.asked.map(({ hops }) => hops)).toEqual([0, 1, 2]);
  expect(ends).toHaveLength(1);
});

test("a node that handed the partition over names the one that has it now", async () => {
  start();
  await script.at(0).deliver(answered(writeNotTaken("moved", "c")));
  expect(script.who).toBe("a1 c1");
});

test("a node that stopped before it came to the message hands it on; one that may have begun does not", async () => {
  start();
  const stopped = (outcome: "unknown" | "not-committed") =>
    answered(writeError(new PachydermError("NODE_STOPPING", "stopped", { outcome }), false));
  await script.at(0).deliver(stopped("not-committed"));
  expect(script.who).toBe("a1 b1");
  await script.at(1).deliver(stopped("unknown"));
  expect(ends[0]?.error).toMatchObject({ code: "NODE_STOPPING", outcome: "unknown" });
});

test("a broken line, and a silent node, begin another attempt at the next node", async () => {
  const forward = start();
  await script.at(0).deliver(lost);
  forward.silent("b");
  expect(script.who).toBe("a1 b2 c3");
  await script.at(2).deliver(ok(4, true));
  expect(ends).toMatchObject([{ value: { version: 4 } }]);
});

test("a node that falls silent, and has it not (any more), begins no other attempt", async () => {
  const forward = start();
  forward.silent("b");
  expect(script.who).toBe("a1");
  forward.silent("a");
  forward.silent("a"); // up, and silent again: it is with the next one by now
  expect(script.who).toBe("a1 b2");
  for (const i of [1, 0]) await script.at(i).deliver(undelivered);
  forward.silent("b"); // it did not take it, and nobody has it
  await script.at(2).deliver(undelivered);
  forward.silent("c");
  expect(script.who).toBe("a1 b2 c2");
  expect(script.waiting).toBe(1);
});

test("a node that lets a message go is like a silent one: another attempt, and none for one that is past", async () => {
  const forward = start();
  await script.at(0).deliver(answered(LET_GO));
  forward.silent("b");
  await script.at(1).deliver(answered(LET_GO));
  expect(script.who).toBe("a1 b2 c3");
  await script.at(2).deliver(failure("STORE_UNAVAILABLE", false));
  expect(ends[0]?.error).toMatchObject({ code: "STORE_UNAVAILABLE", outcome: "unknown" });
});

test("a late answer of the first attempt counts if it is recorded", async () => {
  const forward = start();
  forward.silent("a");
  await script.at(0).deliver(ok(2, true));
  expect(ends).toMatchObject([{ value: { version: 2 } }]);
  await script.at(1).deliver(ok(9, true));
  expect(ends).toHaveLength(1);
});

test("a late answer of the first attempt that nothing records does not count: the second may end otherwise", async () => {
  const forward = start();
  forward.silent("a");
  await script.at(0).deliver(failure("REJECTED", false));
  await script.at(0).deliver(ok(1, false));
  expect(ends).toEqual([]);
  await script.at(1).deliver(ok(2, true));
  expect(ends).toMatchObject([{ value: { version: 2 } }]);
});

test("after a second attempt, an error that nothing records is unknown; one that is recorded is what it says", async () => {
  for (const [delivery, outcome] of [
    [failure("MAILBOX_FULL", false), "unknown"],
    [failure("STORE_UNAVAILABLE", false), "unknown"],
    [failure("REJECTED", true), "not-committed"],
  ] as const) {
    script = new Script();
    ends = [];
    const forward = start();
    forward.silent("a");
    await script.at(1).deliver(delivery);
    expect(ends[0]?.error?.outcome).toBe(outcome);
  }
});

test("a full line and a message too large for a frame are answers, and not committed", async () => {
  start();
  await script.at(0).deliver({ kind: "refused", why: "full", reason: "16 MiB wait" });
  expect(ends[0]?.error).toMatchObject({ code: "MAILBOX_FULL", outcome: "not-committed" });
  start();
  await script.at(1).deliver({ kind: "refused", why: "size", reason: "large" });
  expect(ends[1]?.error).toMatchObject({ code: "TOO_LARGE", outcome: "not-committed" });
});

test("an answer that no frame can carry ends it: nobody else is asked to handle it for nothing", async () => {
  start();
  await script.at(0).deliver({ kind: "oversized", reason: "5 MiB" });
  expect(ends[0]?.error).toMatchObject({ code: "TOO_LARGE", outcome: "unknown" });
  start({ message: aGet });
  await script.at(1).deliver({ kind: "oversized", reason: "5 MiB" });
  expect(ends[1]?.error).toMatchObject({ code: "TOO_LARGE", outcome: "not-committed" });
  expect(script.who).toBe("a1 a1");
});

test("the deadline: unknown once a node was asked, not committed where none was", async () => {
  start().expire();
  expect(ends[0]?.error).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "unknown" });
  script.nodes = [];
  start().expire();
  expect(ends[1]?.error).toMatchObject({ code: "NO_OWNER", outcome: "not-committed" });
  script.nodes = ["a"];
  const forward = start();
  await script.at(1).deliver(undelivered);
  forward.expire();
  expect(ends[2]?.error).toMatchObject({ code: "NO_OWNER", outcome: "not-committed" });
  const silent = start();
  silent.silent("a");
  silent.expire();
  expect(ends[3]?.error).toMatchObject({ code: "NO_OWNER", outcome: "unknown" });
});

test("nobody to ask: it waits, and asks those again that turned it away", async () => {
  const forward = start();
  for (const i of [0, 1, 2]) await script.at(i).deliver(undelivered);
  expect(script.waiting).toBe(1);
  forward.go();
  expect(script.who).toBe("a1 b1 c1 a1");
});

test("this node's own attempt: the second one takes receipts, and its failures are told truly", async () => {
  script.nodes = ["a", "here"];
  const forward = start();
  forward.silent("a");
  expect(script.here).toMatchObject([{ attempt: 2 }]);
  script.here[0]?.sender.reject(new PachydermError("MAILBOX_FULL", "full"), false);
  expect(ends[0]?.error).toMatchObject({ code: "MAILBOX_FULL", outcome: "unknown" });
});

test("a get may be answered by anybody, and its error is never unknown", async () => {
  const forward = start({ message: aGet });
  forward.silent("a");
  await script.at(0).deliver(ok(1, false));
  expect(ends).toMatchObject([{ value: { version: 1 } }]);
});

test("an answer that cannot be read is an error, and unknown", async () => {
  start();
  await script.at(0).deliver(answered(["ok", "three"]));
  expect(ends[0]?.error).toMatchObject({ code: "HANDLER_FAILED", outcome: "unknown" });
});

test("however it ends, it ends once", async () => {
  const forward = start();
  forward.silent("a");
  forward.expire();
  await script.at(0).deliver(ok(1, true));
  await script.at(1).deliver(lost);
  forward.giveUp();
  expect(ends).toHaveLength(1);
  expect(script.settledCount).toBe(1);
});
