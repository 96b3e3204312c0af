// Starts a node and stops it, or fails to, and then does nothing: it must come to its end by itself. There is no
// process.exit here, so that whatever is left open keeps it alive, and its parent notices.

import { Pachyderm, PachydermError, type StartOptions } from "../../src/index.ts";
import { ledger, note } from "./ledger.ts";

export interface StarterOrder {
  readonly start: StartOptions;
}

/** Its one line. */
export type StarterLine =
  | { readonly started: true; readonly warnings: readonly string[] }
  | {
      readonly started: false;
      readonly code: string;
      readonly outcome: string;
      readonly message: string;
      readonly tookMs: number;
    };

const { start } = JSON.parse(process.argv[2] ?? "") as StarterOrder;
const began = performance.now();
const line = await tryToStart();
console.log(JSON.stringify(line));

async function tryToStart(): Promise<StarterLine> {
  try {
    const node = await Pachyderm.start({ entities: [ledger], effects: [note], ...start });
    await node.stop();
    return { started: true, warnings: node.warnings };
  } catch (thrown) {
    if (!(thrown instanceof PachydermError)) throw thrown;
    const { code, outcome, message } = thrown;
    return { started: false, code, outcome, message, tookMs: performance.now() - began };
  }
}
