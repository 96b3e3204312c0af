// Holds what senders were told against what the log holds. Linear in both: a history of a million sends is checked
// in about the time that it takes to read it.
//
// Every operation carries an id of its own (`op`), made by its sender: "<sender>:<number>", numbers rising.

/** One record of an entity, oldest first, as it was read back. */
export interface LoggedRecord<E> {
  readonly version: number;
  readonly op: string;
  readonly event: E;
}

/** What became of one operation, as its sender saw it. */
export type Attempt =
  | {
      readonly op: string;
      readonly outcome: "answered";
      /** The version that the operation brought. */
      readonly handledVersion: number;
      /** State and version of the answer: they belong together. Left out where only an acknowledgement is known. */
      readonly seen?: { readonly version: number; readonly state: unknown };
    }
  | { readonly op: string; readonly outcome: "not-committed" | "unknown" };

export interface History<E, S> {
  readonly records: readonly LoggedRecord<E>[];
  readonly attempts: Iterable<Attempt>;
  readonly init: S;
  readonly fold: (state: S, event: E) => S;
  /** Two states are the same if their texts are. */
  readonly text: (state: unknown) => string;
}

export type ProblemKind =
  /** A version is missing. */
  | "gap"
  /** A version that is not above the one before it, or a sender's operation after a later one of its own. */
  | "reordered"
  /** An operation is in the log twice. */
  | "duplicated"
  /** An operation was acknowledged, and is not in the log. */
  | "lost"
  /** An operation is in the log, and its sender was told that it is not. */
  | "denied"
  /** An operation is in the log that nobody sent. */
  | "invented"
  /** An operation was acknowledged at another version than the log has it at, or two at one version. */
  | "wrong-version"
  /** The state of an answer is not what the records up to its version make. */
  | "wrong-state";

export interface Problem {
  readonly kind: ProblemKind;
  readonly text: string;
}

/** More than so many of one kind tell nothing new. */
const MOST_OF_A_KIND = 5;

/** All that is wrong with a history; empty if nothing is. */
export function checkHistory<E, S>(history: History<E, S>): readonly Problem[] {
  const problems = new Problems();
  const versions = checkRecords(history.records, problems);
  const states = foldAll(history);
  const sent = checkAttempts(history, versions, states, problems);
  for (const [op, version] of versions) {
    if (!sent.has(op)) problems.add("invented", `version ${version} is of ${op}, which nobody sent`);
  }
  return problems.list;
}

class Problems {
  readonly list: Problem[] = [];
  readonly #counts = new Map<ProblemKind, number>();

  add(kind: ProblemKind, text: string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count <= MOST_OF_A_KIND) this.list.push({ kind, text });
  }
}

/** The version of each operation. */
function checkRecords<E>(records: readonly LoggedRecord<E>[], problems: Problems): Map<string, number> {
  const versions = new Map<string, number>();
  const newest = new Map<string, number>();
  let last = 0;
  for (const { version, op } of records) {
    if (version <= last) problems.add("reordered", `version ${version} stands after version ${last}`);
    else if (version > last + 1)
      problems.add("gap", `after version ${last} comes ${version}: ${version - last - 1} are missing`);
    last = version;
    const first = versions.get(op);
    if (first !== undefined) problems.add("duplicated", `${op} is version ${first} and version ${version}`);
    else versions.set(op, version);
    const [sender, number] = splitOp(op);
    const before = newest.get(sender) ?? -1;
    if (number < before)
      problems.add("reordered", `${op}, at version ${version}, stands after ${sender}:${before}`);
    else newest.set(sender, number);
  }
  return versions;
}

function splitOp(op: string): readonly [sender: string, number: number] {
  const colon = op.lastIndexOf(":");
  return [op.slice(0, colon), Number(op.slice(colon + 1))];
}

/** The text of the state at each version, by its place: [0] is the state before all records. */
function foldAll<E, S>({ records, init, fold, text }: History<E, S>): readonly string[] {
  let state = init;
  const states = [text(state)];
  for (const { event } of records) {
    state = fold(state, event);
    states.push(text(state));
  }
  return states;
}

function checkAttempts<E, S>(
  { attempts, text }: History<E, S>,
  versions: ReadonlyMap<string, number>,
  states: readonly string[],
  problems: Problems,
): ReadonlySet<string> {
  const sent = new Set<string>();
  const answered = new Map<number, string>();
  for (const attempt of attempts) {
    const { op, outcome } = attempt;
    sent.add(op);
    const version = versions.get(op);
    if (outcome === "not-committed" && version !== undefined)
      problems.add("denied", `${op} was said not to be committed, and is version ${version}`);
    if (outcome !== "answered") continue;
    if (version === undefined) problems.add("lost", `${op} was acknowledged, and is not in the log`);
    else if (version !== attempt.handledVersion)
      problems.add(
        "wrong-version",
        `${op} was acknowledged as version ${attempt.handledVersion}, and is ${version}`,
      );
    const other = answered.get(attempt.handledVersion);
    if (other !== undefined && other !== op)
      problems.add(
        "wrong-version",
        `version ${attempt.handledVersion} was acknowledged to ${other} and to ${op}`,
      );
    answered.set(attempt.handledVersion, op);
    const { seen } = attempt;
    if (seen !== undefined && states[seen.version] !== text(seen.state)) {
      const folded = states[seen.version] ?? "(none)";
      problems.add(
        "wrong-state",
        `${op} saw ${text(seen.state)} at version ${seen.version}; the log makes ${folded}`,
      );
    }
  }
  return sent;
}
