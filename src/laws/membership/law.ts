// Makes a law of a sentence and a check, on a network of its own: opens the nodes that it needs, and closes them,
// however it ends.

import assert from "node:assert/strict";
import type { Member } from "../../core/member.ts";
import { newId } from "../../core/reference.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Membership, Seen } from "../../ports/membership.ts";
import type { Judged, Law } from "../backend.ts";
import type { FaultyServer } from "../server.ts";

export interface MembershipBackend extends Judged {
  /** The clock that the memberships were given: deadlines are by it. */
  readonly clock: Clock;
  /** Another node's view of a network. Laws close what they open. */
  open(network: string): Promise<Membership>;
  /** Puts a text in the place of a member that lives. */
  plant?(network: string, id: string, text: string): Promise<void>;
  readonly server?: FaultyServer;
}

/** Long enough for any server that is alive; a law about deadlines sets its own. */
export const CALL_MS = 10_000;
/** A time that no law outlasts. */
export const LONG_MS = 60_000;
export const SHORT_MS = 200;

export class Stage {
  readonly backend: MembershipBackend;
  readonly network = `law-${newId().slice(-12)}`;
  readonly #opened: Membership[] = [];

  constructor(backend: MembershipBackend) {
    this.backend = backend;
  }

  async open(network = this.network): Promise<Node> {
    const membership = await this.backend.open(network);
    this.#opened.push(membership);
    return new Node(membership, this.backend.clock);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((membership) => membership.close()));
  }
}

/** A node as the laws use it: deadlines are set, and what is not the law's subject must go well. */
export class Node {
  readonly membership: Membership;
  readonly #clock: Clock;

  constructor(membership: Membership, clock: Clock) {
    this.membership = membership;
    this.#clock = clock;
  }

  deadline(ms = CALL_MS): number {
    return this.#clock.monotonicMs() + ms;
  }

  async announce(member: Member, ttlMs = LONG_MS): Promise<SeenMembers> {
    return asSeen(await this.membership.announce(member, ttlMs, this.deadline()));
  }

  async look(): Promise<SeenMembers> {
    return asSeen(await this.membership.look(this.deadline()));
  }

  async ids(): Promise<readonly string[]> {
    return (await this.look()).members.map(({ id }) => id);
  }

  async leave(id: string): Promise<void> {
    await this.membership.leave(id, this.deadline());
  }

  /** Settles with the next hint. */
  async hinted(): Promise<void> {
    await new Promise<void>((resolve) => this.membership.onNudge(resolve));
  }
}

export type SeenMembers = Extract<Seen, { kind: "seen" }>;

function asSeen(seen: Seen): SeenMembers {
  assert.equal(seen.kind, "seen", JSON.stringify(seen));
  return seen.kind === "seen" ? seen : assert.fail();
}

export function memberOf(id: string, parts: Partial<Member> = {}): Member {
  return {
    id,
    address: "10.0.0.1:7946",
    http: null,
    since: 1_700_000_000_000,
    protocol: 1,
    code: "1.2.3",
    types: ["account"],
    effects: [],
    partitions: [],
    leaving: false,
    ...parts,
  };
}

export function law(name: string, run: (node: Node, stage: Stage) => Promise<void>): Law<MembershipBackend> {
  return {
    name,
    async check({ backend }) {
      const stage = new Stage(backend);
      try {
        await run(await stage.open(), stage);
      } finally {
        await stage.close();
      }
    },
  };
}
