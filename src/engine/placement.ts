// Where each partition is, as far as this node knows: from the registry's word, this node's own leases, and who can be
// reached. All in memory: locating an entity costs no call. It may be wrong, and that costs time only.

import type { Member } from "../core/member.ts";
import { rank } from "../core/rank.ts";

export type Route =
  | { readonly kind: "here" }
  | { readonly kind: "there"; readonly member: Member }
  /** Nobody who hosts the type can be asked now. */
  | { readonly kind: "nowhere" };

export interface PlacementParts {
  readonly partitions: number;
  /** Null: this node hosts nothing, it only sends. */
  readonly self: string | null;
  /** Whether this node hosts the type. */
  readonly hosts: (type: string) => boolean;
  /** Whether a member answers, as far as is known. */
  readonly isReachable: (member: Member) => boolean;
}

const NOBODY: ReadonlySet<string> = new Set();

export class Placement {
  readonly #parts: PlacementParts;
  #members: readonly Member[] = [];
  #byId = new Map<string, Member>();
  /** Who says that it holds the partition, by partition; of several the first, as all nodes see them. */
  #claimers: (Member | undefined)[] = [];
  /** Ids in rank, by partition; made when first asked for. */
  #ranks: (readonly string[] | undefined)[] = [];
  /** Partitions whose lease this node holds. */
  readonly #held = new Set<number>();
  /** Of those, the ones that it is handing over: others take their messages already. */
  readonly #moving = new Set<number>();
  readonly #typesSeen = new Set<string>();
  /** Whom to ask, in order, by partition; made when first asked for. */
  #orders: (readonly string[] | undefined)[] = [];
  /** By partition: 1 where this node is to handle it, 0 where not, 2 where it is not known yet. */
  readonly #here: Uint8Array;
  #leaving = false;
  #detached = false;

  constructor(parts: PlacementParts) {
    this.#parts = parts;
    this.#here = new Uint8Array(parts.partitions).fill(UNKNOWN);
  }

  /** Everything is in other hands soon: this node takes nothing new. */
  get isLeaving(): boolean {
    return this.#leaving;
  }

  /** This node has not reached the registry for so long that others count it as gone. */
  get isDetached(): boolean {
    return this.#detached;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  get held(): readonly number[] {
    return [...this.#held].sort((a, b) => a - b);
  }

  get moving(): number {
    return this.#moving.size;
  }

  isMoving(partition: number): boolean {
    return this.#moving.has(partition);
  }

  /** What the others are told: what is being handed over is not claimed any more, so they take it at once. */
  get claims(): readonly number[] {
    return this.held.filter((partition) => !this.#moving.has(partition));
  }

  /** What the registry says now. */
  see(members: readonly Member[]): void {
    // The same list, as most of the time: nothing that was found out by it has to be found out again.
    if (members === this.#members) {
      if (this.#detached) this.reconsider();
      this.#detached = false;
      return;
    }
    this.#members = members;
    this.#byId = new Map(members.map((member) => [member.id, member]));
    for (const { types } of members) for (const type of types) this.#typesSeen.add(type);
    this.#claimers = [];
    for (const member of members) {
      if (member.id === this.#parts.self || member.leaving) continue;
      for (const partition of member.partitions) this.#claimers[partition] ??= member;
    }
    this.#ranks = [];
    this.#detached = false;
    this.reconsider();
  }

  /** Who can be reached has changed. */
  reconsider(): void {
    this.#here.fill(UNKNOWN);
    this.#orders = [];
  }

  #changed(partition: number): void {
    this.#here[partition] = UNKNOWN;
    this.#orders[partition] = undefined;
  }

  leave(): void {
    this.#leaving = true;
    this.#ranks = [];
    this.reconsider();
  }

  detach(): void {
    this.#detached = true;
    this.reconsider();
  }

  hold(partition: number): void {
    this.#held.add(partition);
    this.#changed(partition);
  }

  letGo(partition: number): void {
    this.#held.delete(partition);
    this.#moving.delete(partition);
    this.#changed(partition);
  }

  move(partition: number): void {
    this.#moving.add(partition);
    this.#changed(partition);
  }

  /** It is wanted here again before it was handed over. */
  stay(partition: number): void {
    this.#moving.delete(partition);
    this.#changed(partition);
  }

  /** Partitions that are this node's by rank. */
  wanted(): ReadonlySet<number> {
    const { self, partitions } = this.#parts;
    const wanted = new Set<number>();
    if (self === null || this.#leaving) return wanted;
    for (let partition = 0; partition < partitions; partition++) {
      if (this.#rankOf(partition)[0] === self) wanted.add(partition);
    }
    return wanted;
  }

  /** Whether this node is to handle messages of a type in a partition. */
  isHere(partition: number, type: string): boolean {
    let here = this.#here[partition];
    if (here === UNKNOWN) {
      here = this.#isFirst(partition) ? 1 : 0;
      this.#here[partition] = here;
    }
    return here === 1 && this.#parts.hosts(type);
  }

  /** Who holds a partition's lease, this node included; null if nobody says so. */
  holder(partition: number): string | null {
    if (this.#held.has(partition)) return this.#parts.self;
    return this.#claimers[partition]?.id ?? null;
  }

  /**
   * Where a message goes: to the holder, then down the rank, past those that cannot be reached, do not host the type,
   * or are in `skip`.
   */
  route(partition: number, type: string, skip: ReadonlySet<string> = NOBODY): Route {
    const { self, isReachable, hosts } = this.#parts;
    for (const id of this.#order(partition)) {
      if (skip.has(id)) continue;
      if (id === self) {
        if (hosts(type)) return { kind: "here" };
        continue;
      }
      const member = this.#byId.get(id);
      if (member?.types.includes(type) === true && isReachable(member)) return { kind: "there", member };
    }
    return { kind: "nowhere" };
  }

  /** A member by its id, if it is live. */
  member(id: string): Member | undefined {
    return this.#byId.get(id);
  }

  /** Whether another live node that stays hosts the type, reachable or not. */
  isHostedElsewhere(type: string): boolean {
    const { self } = this.#parts;
    return this.#members.some(({ id, leaving, types }) => id !== self && !leaving && types.includes(type));
  }

  /** Whether any node that was seen so far hosts the type. Before any was seen, nobody can tell. */
  mayKnow(type: string): boolean {
    return this.#typesSeen.size === 0 || this.#typesSeen.has(type) || this.#parts.hosts(type);
  }

  /** Whether this node comes first of all that can be reached. */
  #isFirst(partition: number): boolean {
    const { self, isReachable } = this.#parts;
    if (self === null || this.#leaving) return false;
    for (const id of this.#order(partition)) {
      if (id === self) return true;
      const member = this.#byId.get(id);
      if (member !== undefined && isReachable(member)) return false;
    }
    return false;
  }

  /** The holder first, then the others in rank; this node last where it is not to be asked unless all others fail. */
  #order(partition: number): readonly string[] {
    let order = this.#orders[partition];
    if (order === undefined) {
      order = this.#makeOrder(partition);
      this.#orders[partition] = order;
    }
    return order;
  }

  #makeOrder(partition: number): readonly string[] {
    const { self } = this.#parts;
    const away = this.#detached || this.#leaving || this.#moving.has(partition);
    const order: string[] = [];
    if (self !== null && this.#held.has(partition) && !away) order.push(self);
    const claimer = this.#claimers[partition];
    if (claimer !== undefined) order.push(claimer.id);
    for (const id of this.#rankOf(partition)) if (!(id === self && away)) order.push(id);
    if (self !== null && away && !this.#leaving) order.push(self);
    return order;
  }

  #rankOf(partition: number): readonly string[] {
    let ranked = this.#ranks[partition];
    if (ranked === undefined) {
      ranked = rank(partition, this.#hosting());
      this.#ranks[partition] = ranked;
    }
    return ranked;
  }

  /**
   * Before the registry has told of this node, it counts itself. One that hosts nothing (it only dispatches effects, say)
   * has no rank, for itself as for the others.
   */
  #hosting(): readonly string[] {
    const { self } = this.#parts;
    const ids = this.#members
      .filter(({ id, leaving, types }) => id !== self && !leaving && types.length > 0)
      .map(({ id }) => id);
    const isRanked = self !== null && !this.#leaving && this.#byId.get(self)?.types.length !== 0;
    return isRanked ? [...ids, self] : ids;
  }
}

const UNKNOWN = 2;
