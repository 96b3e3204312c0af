// Who is there, on Redis. Twin of memory/membership.ts.

import type { Member } from "../core/member.ts";
import type { Clock } from "../ports/clock.ts";
import type { Membership, Seen } from "../ports/membership.ts";
import { Caller } from "./caller.ts";
import { metaKey } from "./keys.ts";
import { emptyRoll, type Roll, runMembers, type Step } from "./members.ts";
import { NudgeLine, type OpenLine } from "./nudge-line.ts";
import type { Client } from "./script.ts";

export interface RedisMembershipParts {
  readonly client: Client;
  /** Opens connections for hints: one that listens can ask nothing else. */
  readonly openLine: OpenLine;
  readonly network: string;
  readonly clock: Clock;
}

export class RedisMembership implements Membership {
  readonly #client: Client;
  readonly #network: string;
  readonly #caller: Caller;
  readonly #line: NudgeLine;
  #known: Roll = emptyRoll;
  #listener: () => void = () => {};

  constructor({ client, openLine, network, clock }: RedisMembershipParts) {
    this.#client = client;
    this.#network = network;
    this.#caller = new Caller(client, clock);
    this.#line = new NudgeLine(openLine, metaKey(network, "nudge"), () => this.#listener());
  }

  /** Settles when hints arrive; never, where Redis cannot be reached. */
  async listen(): Promise<void> {
    await this.#line.start();
  }

  announce(member: Member, ttlMs: number, deadline: number): Promise<Seen> {
    return this.#take({ kind: "announce", member, ttlMs }, deadline);
  }

  look(deadline: number): Promise<Seen> {
    return this.#take({ kind: "look" }, deadline);
  }

  async leave(id: string, deadline: number): Promise<void> {
    await this.#take({ kind: "leave", id }, deadline);
  }

  nudge(): void {
    this.#client.publish(metaKey(this.#network, "nudge"), "").catch(() => {}); // a hint may be lost: all look by themselves, too
  }

  onNudge(listener: () => void): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    this.#caller.close();
    this.#line.close();
  }

  /**
   * A step that got no answer is taken again: each does the same twice. One that was given up may still be carried out
   * later, when a frozen Redis thaws: an announcement then replaces a newer one, until the next, or brings back one that
   * has left, until its time has passed.
   */
  async #take(step: Step, deadline: number): Promise<Seen> {
    const run = (client: Client) => runMembers(client, this.#network, step, this.#known);
    const answer = await this.#caller.call(run, deadline);
    if (answer.kind === "failed") return { kind: "unavailable", reason: answer.reason };
    const { now, roll } = answer.reply;
    this.#known = roll;
    return { kind: "seen", now, members: roll.members };
  }
}
