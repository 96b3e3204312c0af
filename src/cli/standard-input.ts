// What stands on standard input, whole.

import { createInterface } from "node:readline/promises";
import { text } from "node:stream/consumers";
import { usage } from "./failure.ts";

/** @throws CliFailure USAGE where a person would have to type it: nobody says when that is done */
export async function readAll(): Promise<string> {
  if (process.stdin.isTTY === true) throw usage("- reads from a pipe or a file, and there is none");
  return await text(process.stdin);
}

/** What a person types in answer to a question, or what a pipe says in one line; "" where nothing comes. */
export async function answerTo(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    return (await Promise.race([lines.question(question), closed])).trim();
  } finally {
    lines.close();
  }
}
