// The one place that runs Lua: EVALSHA, and EVAL where the server does not have the script (any more).

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Cluster, Redis } from "ioredis";
import { codeOf, NotAsked } from "./failure.ts";
import { type ScriptArgument, ScriptCommand } from "./script-command.ts";

export type Client = Redis | Cluster;

export class Script {
  /** With its header: a test compares that with the typed binding. */
  readonly text: string;
  readonly #sha: string;

  /** @param source a `.lua` file beside the caller, as a URL; or what was composed of several */
  constructor(source: URL | { readonly text: string }) {
    this.text = source instanceof URL ? textOf(source) : source.text;
    this.#sha = createHash("sha1").update(this.text).digest("hex");
  }

  /**
   * Runs the script. NOSCRIPT (after a restart, a failover, SCRIPT FLUSH) means that nothing ran, so the second
   * call, which brings the text, is no second run.
   */
  run(client: Client, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    return send(client, new ScriptCommand("evalsha", this.#sha, keys, args)).catch((thrown: unknown) => {
      if (!(thrown instanceof Error) || codeOf(thrown) !== "NOSCRIPT") throw thrown;
      return send(client, new ScriptCommand("eval", this.text, keys, args));
    });
  }
}

/** A line "-- @include <name>" stands for the text of a file beside it: a script's parts are files too. */
function textOf(file: URL): string {
  return readFileSync(file, "utf8").replace(/^-- @include (\S+)$/gm, (_, name: string) =>
    readFileSync(new URL(name, file), "utf8"),
  );
}

async function send(client: Client, command: ScriptCommand): Promise<unknown> {
  try {
    const reply = client.sendCommand(command);
    if (client.isCluster) command.followRedirections();
    return await reply;
  } catch (thrown) {
    // No server has it: it never was written, or whoever was asked has answered that another has the slot.
    if (thrown instanceof Error && thrown.name !== "ReplyError" && !command.isOpen)
      throw new NotAsked(thrown);
    throw thrown;
  } finally {
    command.answered();
  }
}
