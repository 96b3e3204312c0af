// What a command is: a file under commands/ that exports one, and a line in the table commands.ts.

import type { Options } from "./options.ts";
import type { Output } from "./output.ts";
import type { Remote } from "./remote.ts";

/**
 * What a command talks to, and so which options it has besides its own (shared-options.ts): the nodes of a network, a
 * Redis alone, or nobody, for it is a node itself.
 */
export type Reach = "nodes" | "redis" | "node";

export type CliCommand = Leaf | Group;

interface Named {
  /** Its name, then its arguments as commander takes them, such as `send <type> <id> <message>`. */
  readonly usage: string;
  /** One line of the list of commands. */
  readonly summary: string;
}

/** A command that does something. */
export interface Leaf extends Named {
  readonly reaches: Reach;
  /** Options of its own: flags as commander takes them, and what they mean. */
  readonly options: readonly (readonly [flags: string, meaning: string])[];
  /** Whether SIGINT and SIGTERM are its own to hear, by `call.interrupted`; else they end the program. */
  readonly hearsSignals?: boolean;
  /**
   * @returns the code that the program ends with: see failure.ts
   * @throws PachydermError, CliFailure
   */
  run(call: Call): Promise<number>;
}

/** A word with commands below it, such as `effects retry`. */
export interface Group extends Named {
  readonly commands: readonly CliCommand[];
}

/** One call of a command. */
export interface Call {
  /** The arguments that `usage` names, in order; an optional one that was not given is missing. */
  readonly args: readonly string[];
  readonly options: Options;
  readonly output: Output;
  /** Aborted by the first SIGINT or SIGTERM; its reason is the name of the signal. */
  readonly interrupted: AbortSignal;
  /** The environment, with what the shared options say in place of its variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Reaches the nodes, over Redis and their own lines or over HTTP. It is closed when the command ends. */
  connect(): Promise<Remote>;
}
