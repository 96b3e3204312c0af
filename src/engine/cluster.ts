// The life of a node among others: tells of itself, sees who is there, holds what is its own, and leaves.

import type { Member } from "../core/member.ts";
import type { Clock } from "../ports/clock.ts";
import type { Membership, Seen } from "../ports/membership.ts";
import type { Peer, Transport } from "../ports/transport.ts";
import type { LeaseKeeper } from "./lease-keeper.ts";
import type { Placement } from "./placement.ts";
import type { Signals } from "./signals.ts";

export interface ClusterParts {
  readonly membership: Membership;
  readonly transport: Transport;
  readonly placement: Placement;
  /** Null: this node only sends, and is no member. */
  readonly keeper: LeaseKeeper | null;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Milliseconds that a lease lasts, and a member lives after it was last heard of. */
  readonly leaseMs: number;
  /** What this node is, less what changes. */
  readonly self: Omit<Member, "partitions" | "leaving"> | null;
  /** The store's time, epoch ms, as the registry tells it. */
  readonly onTime: (epochMs: number) => void;
  /** Called when the registry was not reached for so long that the others count this node as gone. */
  readonly onDetached: () => void;
  /** Called after each look. `askedAt`: what was there at this moment (monotonic ms) is in the view. */
  readonly onView: (askedAt: number) => void;
}

/** A node tells of itself so many times before it would be taken for gone. */
const BEATS = 5;
/** Between rounds while something is handed over, or the registry is not reached, milliseconds. */
const SOON_MS = 20;

export class Cluster {
  readonly #parts: ClusterParts;
  #timer: NodeJS.Timeout | undefined;
  /** The round under way; null: none. */
  #round: Promise<void> | null = null;
  /** A hint came while a round was under way. */
  #again = false;
  #seenAt: number;
  #http: string | null;
  /** The last look had no answer. */
  #isBlind = false;
  #ended = false;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
    this.#seenAt = parts.clock.monotonicMs();
    this.#http = parts.self?.http ?? null;
    parts.membership.onNudge(() => this.#nudged());
  }

  /** The first round: resolves when this node knows the others, and they have been told to look. */
  async start(): Promise<void> {
    await this.#run();
    if (this.#parts.self !== null) this.#parts.membership.nudge();
  }

  /** `host:port` of this node's HTTP door; null: none is known. */
  get http(): string | null {
    return this.#http;
  }

  /** Its door is open there by now: the others hear of it with the next round, which begins at once. */
  advertiseHttp(address: string): void {
    this.#http = address;
    this.#nudged();
  }

  /** Takes nothing new from now on, and tells the others so. */
  async leave(): Promise<void> {
    this.#parts.placement.leave();
    await this.#round;
    await this.#run();
    if (this.#parts.self !== null) this.#parts.membership.nudge();
  }

  /** Gives up its leases, and is no member any more. After `leave`, when all that was taken has ended. */
  async end(deadline: number): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#round;
    const { keeper, membership, self } = this.#parts;
    await keeper?.releaseAll(deadline);
    if (self !== null) await membership.leave(self.id, deadline);
    membership.nudge();
  }

  /** Looks at the registry now, and once more where a look is under way. */
  look(): void {
    this.#nudged();
  }

  #nudged(): void {
    if (this.#round === null) void this.#run();
    else this.#again = true;
  }

  #run(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    clearTimeout(this.#timer);
    // A round never fails: all that it asks answers with values.
    this.#round ??= this.#beat().finally(() => {
      this.#round = null;
      this.#schedule();
    });
    return this.#round;
  }

  #schedule(): void {
    if (this.#ended) return;
    const { keeper, leaseMs } = this.#parts;
    // A look without an answer has taken its time: the next one is not to wait for as long again.
    const isSoon = keeper?.isMoving === true || this.#isBlind;
    const ms = this.#again ? 0 : isSoon ? SOON_MS : leaseMs / BEATS;
    this.#again = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), ms);
    this.#timer.unref(); // the door and the connections hold the process; a sender alone must not
  }

  async #beat(): Promise<void> {
    const { keeper, membership, placement } = this.#parts;
    // First of all: a process that was frozen, or cut off, would claim what others have by now.
    keeper?.expire();
    await this.#look();
    if (keeper === null || placement.isLeaving || placement.isDetached) return;
    if (!(await keeper.round())) return;
    await this.#look();
    membership.nudge();
  }

  async #look(): Promise<void> {
    const askedAt = this.#parts.clock.monotonicMs();
    this.#see(await this.#announce(), askedAt);
  }

  #announce(): Promise<Seen> {
    const { membership, placement, clock, leaseMs, self } = this.#parts;
    const deadline = clock.monotonicMs() + leaseMs / BEATS;
    if (self === null) return membership.look(deadline);
    const { claims: partitions, isLeaving: leaving } = placement;
    const member = { ...self, http: this.#http, partitions, leaving };
    return membership.announce(member, leaseMs, deadline);
  }

  #see(seen: Seen, askedAt: number): void {
    const { placement, clock, leaseMs, onTime, onDetached, onView, transport } = this.#parts;
    if (seen.kind === "unavailable") {
      // The others count this node as gone after `leaseMs`; it must know before they do.
      this.#isBlind = true;
      if (!placement.isDetached && clock.monotonicMs() - this.#seenAt >= (leaseMs * 3) / BEATS) {
        placement.detach();
        onDetached();
      }
      onView(this.#seenAt);
      return;
    }
    this.#seenAt = askedAt;
    this.#isBlind = false;
    onTime(seen.now);
    this.#tell(placement.members, seen.members);
    placement.see(seen.members);
    transport.keep(seen.members.filter(({ id }) => id !== this.#parts.self?.id).map(peerOf));
    onView(askedAt);
  }

  #tell(before: readonly Member[], now: readonly Member[]): void {
    const { signals, self } = this.#parts;
    const others = (list: readonly Member[], known: readonly Member[]): readonly Member[] =>
      list.filter(({ id }) => id !== self?.id && !known.some((member) => member.id === id));
    for (const { id, address } of others(now, before)) signals.emit("node-joined", { id, address });
    for (const { id, address } of others(before, now)) signals.emit("node-left", { id, address });
  }
}

function peerOf({ id, address }: Member): Peer {
  return { id, address };
}
