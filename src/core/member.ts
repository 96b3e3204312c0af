// A node as the others know it.

/** What a node tells of itself. A live node is one that has told so within its time, by the store's clock. */
export interface Member {
  /** `[A-Za-z0-9_-]{1,64}`, made anew at each start: a node that comes back at an address is another one. */
  readonly id: string;
  /** `host:port`, where frames from other nodes are taken. */
  readonly address: string;
  /** `host:port` of its HTTP door; null: it has none. */
  readonly http: string | null;
  /** Epoch ms by the store's clock, when it came. */
  readonly since: number;
  /** Version of the frames that it speaks. */
  readonly protocol: number;
  /** Version of the package that it runs. */
  readonly code: string;
  /** Entity types that it hosts, earlier names (`formerly`) included. */
  readonly types: readonly string[];
  /** Effects that it can dispatch. */
  readonly effects: readonly string[];
  /** Schemas of views that its code writes, as `<entity type>:<view>=<schema>`. Left out: none. */
  readonly views?: readonly string[];
  /** Partitions whose lease it holds. */
  readonly partitions: readonly number[];
  /** It takes nothing new: its partitions go to others. */
  readonly leaving: boolean;
}
