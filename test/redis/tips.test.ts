// What a client knows of tips, against a server that is two lines long: calls under way at the same time, others that write in
// between, answers that are lost, tries that run late. What is taken for proved must be so.

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Sent, type Tip, Tips } from "../../src/redis/tips.ts";

interface Call {
  readonly tip: Tip;
  readonly sent: Sent;
  /** Those that the server has run. */
  readonly tries: { readonly isStranger: boolean; readonly at: number }[];
  /** The numbers of those that it has not, in the order in which they were sent. */
  readonly ready: number[];
  /** How many there are. */
  count: number;
  /** Whether the client has heard an answer, or gives it up. */
  isOver: boolean;
}

/** A partition of the server, the others who write to it, and the heads that this client holds. */
class Scene {
  readonly tips = new Tips();
  readonly calls: Call[] = [];
  readonly #heads: { readonly proof: number; readonly ranAt: number }[] = [];
  #tip = "none";
  #now = 0;
  #count = 0;
  /** When somebody else wrote last, and when anybody left a receipt last. */
  #foreignAt = 0;
  #leftAt = 0;
  /** Calls that found what they knew. */
  trusted = 0;

  send(leaves: boolean): void {
    this.#count += 1;
    const token = `${this.#count}.1`;
    const tip = this.tips.of(0);
    const sent = this.tips.send(0, token, leaves);
    this.calls.push({ tip, sent, tries: [], ready: [1], count: 1, isOver: false });
  }

  /** The server runs a try of the call that was sent as the `nth` of those that wait: the first one or, if so said, the last. */
  run(nth: number, isLate = false): void {
    const waiting = this.calls.filter(({ ready }) => ready.length > 0);
    const call = waiting[nth % waiting.length];
    if (call === undefined) return;
    const { tip, sent, ready } = call;
    const number = isLate ? ready.pop() : ready.shift();
    this.#now += 1;
    const token = `${sent.token.split(".")[0]}.${number}`;
    const isKnown = this.#tip === tip.token;
    if (isKnown) this.#check(tip);
    this.#tip = isKnown ? token : `${token}!`;
    if (sent.leaves) this.#leftAt = this.#now;
    call.tries.push({ isStranger: !isKnown, at: this.#now });
  }

  #check({ epoch, since }: Tip): void {
    this.trusted += 1;
    const proved = this.#heads.filter(({ proof }) => proof === epoch);
    for (const { ranAt } of proved) expect(ranAt).toBeGreaterThan(this.#foreignAt);
    expect(since).toBeGreaterThanOrEqual(this.#leftAt);
  }

  /** Somebody else writes, or everything since an older call is lost: the tip is one that nobody here has put there. */
  foreign(): void {
    this.#now += 1;
    this.#tip = `theirs.${this.#now}`;
    this.#foreignAt = this.#leftAt = this.#now;
  }

  /** The client waits for no answer any more, and tries that call again: all its tries run, now or later. */
  again(nth: number): void {
    const open = this.calls.filter(({ isOver }) => !isOver);
    const call = open[nth % open.length];
    if (call === undefined) return;
    call.count += 1;
    call.ready.push(call.count);
  }

  /** The answer to any of its tries is read; others may run later still. */
  hear(nth: number): void {
    const answered = this.calls.filter(({ tries, isOver }) => tries.length > 0 && !isOver);
    const call = answered[nth % answered.length];
    const answer = call?.tries[nth % call.tries.length];
    if (call === undefined || answer === undefined) return;
    call.isOver = true;
    this.#heads.push({
      proof: this.tips.hear(call.sent, { ...answer, inDoubt: call.count > 1 }),
      ranAt: answer.at,
    });
  }

  /** The client gives the call up. It may run later still. */
  lose(nth: number): void {
    const open = this.calls.filter(({ isOver }) => !isOver);
    const call = open[nth % open.length];
    if (call === undefined) return;
    call.isOver = true;
    this.tips.lose(call.sent);
  }
}

const nth = fc.nat({ max: 3 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("send" as const), leaves: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("run" as const), nth: fc.constant(0) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("hear" as const), nth: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("run" as const, "hear" as const), nth }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("again" as const, "lose" as const), nth }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("runLast" as const), nth }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("foreign" as const) }) },
);

test("what is proved by a tip is so, whatever is under way, comes late or is lost", () => {
  let trusted = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
      const scene = new Scene();
      for (const one of steps) {
        if (one.do === "send") scene.send(one.leaves);
        else if (one.do === "foreign") scene.foreign();
        else if (one.do === "runLast") scene.run(one.nth, true);
        else scene[one.do](one.nth);
      }
      trusted += scene.trusted;
    }),
    { numRuns: 3_000 },
  );
  expect(trusted).toBeGreaterThan(1_000); // else nothing was looked at
});

test("after a stranger the tip is trusted again, although a call is always under way", () => {
  const scene = new Scene();
  scene.send(false);
  const next = () => {
    scene.send(false);
    scene.run(0);
    scene.hear(0);
  };
  for (let i = 0; i < 5; i++) next();
  expect(scene.trusted).toBe(4);
  scene.foreign();
  for (let i = 0; i < 5; i++) next();
  expect(scene.trusted).toBe(7); // one met the stranger, and the one behind it, sent before that was heard
});
