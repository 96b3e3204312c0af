// The way of messages to other nodes: all that are on it, by the node that has them.

import type { Member } from "../core/member.ts";
import type { Reference } from "../core/reference.ts";
import type { Clock } from "../ports/clock.ts";
import type { Meter } from "../ports/meter.ts";
import type { Delivery, Peer, PeerState, Transport } from "../ports/transport.ts";
import { Deadlines } from "./deadlines.ts";
import type { Arrival, Sealed, Sender, Shape } from "./envelope.ts";
import { Forward, type Step, type Ways } from "./forward.ts";
import { writeQuestion } from "./parcels.ts";
import type { Placement } from "./placement.ts";
import type { Router } from "./router.ts";

export interface ForwarderParts {
  readonly placement: Placement;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly meter: Meter | null;
  readonly partitionOf: (id: string) => number;
  /** Hands a message to this node's own worker. @throws PachydermError what is said before the mailbox */
  readonly take: (sealed: Sealed, arrival: Arrival, sender: Sender, shape: Shape) => void;
  /** Asks the registry who is there now; {@link Forwarder.viewed} follows. */
  readonly look: () => void;
}

/** How long one waits that nobody can be asked for, if nothing changes meanwhile, milliseconds. */
const WAIT_MS = 25;
/** The node that is asked has so much less time than the sender: its own word on what became of it comes in time. */
const ANSWER_MS = 20;

export class Forwarder implements Router, Ways {
  readonly #parts: ForwarderParts;
  readonly #deadlines: Deadlines<Forward>;
  readonly #waiting = new Set<Forward>();
  /** The view has in it what was there at this moment, monotonic ms. */
  #viewOf = Number.NEGATIVE_INFINITY;
  #wake: NodeJS.Timeout | undefined;
  #pending = 0;
  #drained: (() => void) | null = null;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    this.#deadlines = new Deadlines(parts.clock);
  }

  /** Messages on their way. */
  get pending(): number {
    return this.#pending;
  }

  elsewhere({ id, type }: Reference): number | null {
    const partition = this.#parts.partitionOf(id);
    return this.#parts.placement.isHere(partition, type) ? null : partition;
  }

  forward(sealed: Sealed, partition: number, sender: Sender, shape: Shape): void {
    const forward = new Forward(sealed, partition, sender, shape, this);
    this.#pending += 1;
    this.#deadlines.add(forward);
    forward.go();
  }

  /** What a node that is asked has become: a silent one has what it has perhaps for ever. */
  changed({ id }: Peer, state: PeerState): void {
    if (state === "silent") for (const forward of this.#deadlines.all()) forward.silent(id);
    else if (state === "up") this.retry();
  }

  /** The view is that of this moment (monotonic ms), or of a later one. */
  viewed(at: number): void {
    this.#viewOf = at;
    this.retry();
  }

  /** Something has changed: whoever found nobody to ask looks again. */
  retry(): void {
    clearTimeout(this.#wake);
    this.#wake = undefined;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const forward of waiting) forward.go();
  }

  /** Resolves when none is on its way, or when the time is up: those that are left hear of it. */
  async drain(ms: number): Promise<void> {
    if (this.#pending > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained = resolve;
      const timer = setTimeout(resolve, ms);
      await promise;
      clearTimeout(timer);
    }
    clearTimeout(this.#wake);
    this.#deadlines.clear((forward) => forward.giveUp());
  }

  // The ways of one forward.

  next(forward: Forward): Step {
    const { partition, sealed, skip, preferred } = forward;
    const { placement, transport } = this.#parts;
    const { type } = sealed.reference;
    const named = preferred === null || skip.has(preferred) ? undefined : placement.member(preferred);
    if (named?.types.includes(type) === true && isReachable(transport, named)) {
      return { kind: "there", member: named };
    }
    const route = placement.route(partition, type, skip);
    if (route.kind !== "nowhere") return route;
    if (placement.isLeaving && !placement.isHostedElsewhere(type)) return { kind: "stopping" };
    return placement.mayKnow(type) || !this.#isViewedSince(forward) ? route : { kind: "unknown-type" };
  }

  /**
   * Whether the view is younger than the question: one that is older may lack the node that brought the type a moment
   * ago. So a type is unknown only by a look that was begun for the message's sake, or later.
   */
  #isViewedSince(forward: Forward): boolean {
    if (forward.doubtedAt === null) {
      forward.doubtedAt = this.#parts.clock.monotonicMs();
      this.#parts.look();
    }
    return this.#viewOf >= forward.doubtedAt;
  }

  ask(forward: Forward, member: Member, settle: (delivery: Delivery) => void): void {
    const { transport, clock, placement, meter } = this.#parts;
    const { sealed, attempt, partition } = forward;
    // Past a holder that this node cannot reach: whoever is asked instead may see it, and must not send us back.
    const holder = placement.holder(partition);
    const hops = Math.max(forward.hops, holder !== null && holder !== member.id ? 1 : 0);
    const left = sealed.deadline - clock.monotonicMs();
    const leftMs = Math.max(1, Math.ceil(left - Math.min(ANSWER_MS, left / 5)));
    meter?.forwarded();
    transport.ask(member, writeQuestion(sealed, { attempt, hops, leftMs }), sealed.deadline, settle);
  }

  takeHere({ sealed, attempt }: Forward, sender: Sender, shape: Shape): void {
    // A first attempt that only this node has is its program's own, and nobody else can try it.
    this.#parts.take(sealed, { attempt, crossed: attempt > 1 }, sender, shape);
  }

  wait(forward: Forward): void {
    this.#waiting.add(forward);
    this.#wake ??= setTimeout(() => this.retry(), WAIT_MS);
  }

  settled(forward: Forward): void {
    this.#deadlines.remove(forward);
    this.#waiting.delete(forward);
    this.#pending -= 1;
    if (this.#pending === 0) this.#drained?.();
  }
}

/** One of which nothing is known yet may be asked. */
export function isReachable(transport: Transport, peer: Peer): boolean {
  const state = transport.state(peer);
  return state !== "silent" && state !== "down";
}
