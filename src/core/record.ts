// A record as it stands in an entity's stream: one event, or one of the system's own.

/** A record as a store gives it: what is the user's is still text. */
export interface StoredRecord {
  /** From 1, without gaps. */
  readonly version: number;
  /** Epoch milliseconds by the store's clock, when it was committed. */
  readonly at: number;
  /** The commit that brought it; all records of one commit share it. */
  readonly commitId: string;
  /** The message that brought it. */
  readonly messageId: string;
  /** The entity type that wrote it. */
  readonly type: string;
  /** The event's JSON text. */
  readonly event: string;
  /** The reply's JSON text; "" unless this is its message's last record and the reply is not null. */
  readonly reply: string;
}

/** The record of a decision that has effects and no events: it takes a version, `update` never sees it. */
export const EFFECTS_RECORD = '{"type":"$effects"}';

/** The record that ends an entity: the only one that is left of it, and nothing comes after it. */
export const DESTROYED_RECORD = '{"type":"$destroyed"}';

/** Whether the text is that of a system record: an event's own type may not begin with `$`. */
export function isSystemRecord(event: string): boolean {
  return event.startsWith('{"type":"$');
}
