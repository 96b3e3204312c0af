// What stands on standard input, whole.

import { text } from "node:stream/consumers";
import { usage } from "./failure.ts";

/** @throws CliFailure USAGE where a person would have to type it: nobody says when that is done */
export async function readAll(): Promise<string> {
  if (process.stdin.isTTY === true) throw usage("- reads from a pipe or a file, and there is none");
  return await text(process.stdin);
}
