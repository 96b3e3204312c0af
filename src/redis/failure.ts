// What a failed call to Redis means for what it asked. By Redis's own error codes (the first word of an error
// reply, https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors), never by the rest of the text.

/**
 * `not-now`: certainly not done, and worth another try soon. `refused`: certainly not done, and a person must act.
 * `ambiguous`: it may have been done.
 */
export interface Failure {
  readonly kind: "not-now" | "refused" | "ambiguous";
  readonly reason: string;
}

/** These are answered before a script runs, or refuse it whole. BUSY: another script runs, ours was not begun. */
const NOT_NOW = new Set([
  "LOADING",
  "BUSY",
  "MASTERDOWN",
  "READONLY",
  "CLUSTERDOWN",
  "TRYAGAIN",
  "MOVED",
  "ASK",
  "NOREPLICAS",
]);
/** A script with a shebang line is refused up front by these, so none of it ran. */
const REFUSED = new Set(["OOM", "MISCONF", "NOPERM", "NOAUTH", "WRONGPASS", "CROSSSLOT"]);

/** A call that no server was given, or that whoever was given it has turned away: it has not run, and will not. */
export class NotAsked extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

export function readFailure(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return { kind: "ambiguous", reason: String(thrown) };
  if (thrown instanceof NotAsked) return { kind: "not-now", reason: thrown.message };
  // ioredis marks what the server said with this name; everything else is the connection's end, or its own.
  if (thrown.name !== "ReplyError") return { kind: "ambiguous", reason: thrown.message };
  const code = codeOf(thrown);
  const kind = NOT_NOW.has(code) ? "not-now" : REFUSED.has(code) ? "refused" : "ambiguous";
  return { kind, reason: thrown.message };
}

/** The first word of an error reply, such as `NOSCRIPT`; of any other error, its own first word. */
export function codeOf(error: Error): string {
  const end = error.message.indexOf(" ");
  return end < 0 ? error.message : error.message.slice(0, end);
}
