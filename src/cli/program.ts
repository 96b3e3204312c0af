// From the words of the command line to a command that runs, and from its end to what the program says and returns.

import { Command, CommanderError } from "commander";
import { readVariables } from "../node/environment.ts";
import { packageVersion } from "../node/package-version.ts";
import type { Call, CliCommand, Leaf } from "./command.ts";
import { commands } from "./commands.ts";
import { CliFailure, exitCodeOf, exitCodes, tell, usage } from "./failure.ts";
import { Interrupted, signalCode } from "./interrupted.ts";
import { openRemote } from "./open-remote.ts";
import { Options } from "./options.ts";
import { Output } from "./output.ts";
import type { Remote } from "./remote.ts";
import { namedAsGiven, sharedOptions, variablesOf } from "./shared-options.ts";

/** @returns the code that the program ends with */
export async function runCli(words: readonly string[]): Promise<number> {
  // Whoever reads the output may have had enough (`| head -1`): that is no failure, and there is nobody to tell.
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exit(exitCodes.done);
    throw new CliFailure("UNFORESEEN", `standard output cannot be written to: ${String(code)}`);
  });
  process.stderr.on("error", () => {}); // there is nowhere left to say it
  const output = new Output(words.includes("--json"));
  process.removeAllListeners("warning"); // Node's own listener prints them in a form of its own
  process.on("warning", (warning) => {
    // What should be better with a Redis is for whoever runs nodes: `start` logs it, and `doctor` shows it.
    if ("code" in warning && warning.code === "PACHYDERM_REDIS") return;
    output.warn(warning.message.replace(/^pachyderm: /, ""));
  });
  let code: number = exitCodes.done;
  const program = rootOf((leaf, args, given) => async () => {
    try {
      code = await runLeaf(leaf, args, given, output);
    } catch (thrown) {
      throw namedAsGiven(thrown, sharedOptions[leaf.reaches], given);
    }
  });
  try {
    await program.parseAsync(words, { from: "user" });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return exitCodes.done; // --help, --version
    const told = tell(thrown instanceof CommanderError ? usage(sentenceOf(thrown)) : thrown);
    await output.fail(told);
    return thrown instanceof Interrupted ? thrown.exitCode : exitCodeOf(told);
  }
}

type Begin = (leaf: Leaf, args: readonly string[], given: Record<string, unknown>) => () => Promise<void>;

function rootOf(begin: Begin): Command {
  const root = new Command("pachyderm")
    .description("Durable entities on Redis: run nodes, send to entities, look after a network.")
    .version(packageVersion)
    .helpOption("-h, --help", "what it takes");
  quiet(root);
  for (const command of commands) add(root, command, begin);
  return root;
}

function add(parent: Command, command: CliCommand, begin: Begin): void {
  const made = parent.command(command.usage).description(command.summary);
  quiet(made);
  if ("commands" in command) {
    for (const below of command.commands) add(made, below, begin);
    return;
  }
  const shared = sharedOptions[command.reaches].map(({ flags, meaning }) => [flags, meaning] as const);
  for (const [flags, meaning] of [...command.options, ...shared]) made.option(flags, meaning);
  made.option("--json", "JSON on standard output, and nothing else there");
  made.action(async () => {
    await begin(command, made.args, made.opts<Record<string, unknown>>())();
  });
}

/** Errors are told by us, in our form. */
function quiet(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showHelpAfterError(false)
    .allowExcessArguments(false);
}

function sentenceOf({ message, code }: CommanderError): string {
  // Commander shows the whole help where no command is named.
  if (code === "commander.help") return "no command is named; `pachyderm --help` shows all";
  return message.replace(/^error: /, "");
}

async function runLeaf(
  leaf: Leaf,
  args: readonly string[],
  given: Readonly<Record<string, unknown>>,
  output: Output,
): Promise<number> {
  const variables = readVariables(variablesOf(sharedOptions[leaf.reaches], given));
  let remote: Remote | undefined;
  const interrupted = onInterruption();
  const call: Call = {
    args,
    options: new Options(given),
    output,
    interrupted,
    variables,
    connect: async () => {
      remote = await openRemote(variables, given);
      return remote;
    },
  };
  const ran = leaf.run(call);
  if (leaf.hearsSignals === true) return await ran;
  try {
    const code = await Promise.race([ran, untilInterrupted(interrupted, () => remote?.isSending === true)]);
    await remote?.close();
    return code;
  } catch (thrown) {
    // A line that just breaks is a warning in the log of the node at its other end. Who interrupts does not wait for that.
    if (!(thrown instanceof Interrupted)) await remote?.close();
    throw thrown;
  }
}

/** The first signal aborts; a second one ends the program at once. */
function onInterruption(): AbortSignal {
  const controller = new AbortController();
  const hear = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(signalCode(signal));
    controller.abort(signal);
  };
  process.on("SIGINT", hear);
  process.on("SIGTERM", hear);
  return controller.signal;
}

async function untilInterrupted(signal: AbortSignal, isSending: () => boolean): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(new Interrupted(String(signal.reason), isSending())));
  return await promise;
}
