// What a command says: for programs one JSON document, or one for each line, and nothing else on standard output; for
// people text. What goes wrong is said on standard error, to both.

import Table from "cli-table3";
import colors from "picocolors";
import type { Told } from "./failure.ts";

/** Styles, which are plain text where colours are not wanted. */
export type Paint = ReturnType<typeof colors.createColors>;

export class Output {
  readonly isJson: boolean;
  readonly #paint: Paint;
  readonly #errorPaint: Paint;
  readonly #warned = new Set<string>();

  constructor(isJson: boolean) {
    this.isJson = isJson;
    // picocolors heeds NO_COLOR and TERM; it would colour a pipe where CI is set.
    this.#paint = colors.createColors(colors.isColorSupported && process.stdout.isTTY === true);
    this.#errorPaint = colors.createColors(colors.isColorSupported && process.stderr.isTTY === true);
  }

  /**
   * Says one thing: the value, or what people are told of it. Settles when it was written, so that a slow reader slows
   * the command.
   */
  async tell(value: unknown, forPeople: (paint: Paint) => string): Promise<void> {
    const text = this.isJson ? JSON.stringify(value) : forPeople(this.#paint);
    await write(process.stdout, `${text}\n`);
  }

  /** To people alone. */
  async say(text: (paint: Paint) => string): Promise<void> {
    if (!this.isJson) await write(process.stdout, `${text(this.#paint)}\n`);
  }

  /** To people alone, and beside the answer: a pipe that takes lines does not get it. */
  async note(sentence: string): Promise<void> {
    if (!this.isJson) await write(process.stderr, `${this.#errorPaint.dim(sentence)}\n`);
  }

  /** Something that should not be as it is, and does not stop the command. Said once. */
  warn(sentence: string): void {
    if (this.#warned.has(sentence)) return;
    this.#warned.add(sentence);
    process.stderr.write(
      this.isJson
        ? `${JSON.stringify({ warning: sentence })}\n`
        : `${this.#errorPaint.yellow("warning:")} ${sentence}\n`,
    );
  }

  async fail(told: Told): Promise<void> {
    await write(
      process.stderr,
      `${this.isJson ? JSON.stringify({ error: told }) : failureText(told, this.#errorPaint)}\n`,
    );
  }
}

function failureText(
  { code, outcome, retryable, message, detail, advice }: Told,
  { bold, red, dim }: Paint,
): string {
  const facts = [`outcome: ${outcome}`, ...(retryable ? ["may be tried again"] : [])].join(", ");
  return [
    `${red(bold(code))} ${message}`,
    dim(facts),
    ...(detail === undefined ? [] : [dim(`detail: ${JSON.stringify(detail)}`)]),
    advice,
  ].join("\n");
}

/** @param head empty: no line of headings */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { bold }: Paint,
): string {
  const table = new Table({
    head: head.map((title) => bold(title)),
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 2 },
    chars: NO_LINES,
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const NO_LINES = Object.fromEntries(
  [
    ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ]
    .flat()
    .map((name) => [name, ""]),
);

/** JSON for people: on one line where it is short. */
export function shown(value: unknown): string {
  const short = JSON.stringify(value) ?? "null";
  return short.length <= 80 ? short : JSON.stringify(value, null, 2);
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write(text, () => resolve()); // a stream that failed has told of it by "error": see program.ts
  return promise;
}
