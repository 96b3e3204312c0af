// The log of a node as a person reads it in a terminal: one line of text for each line of JSON.

import colors from "picocolors";
import type { DestinationStream } from "pino";

const levels: Readonly<Record<number, readonly [name: string, paint: (text: string) => string]>> = {
  10: ["trace", colors.dim],
  20: ["debug", colors.dim],
  30: ["info", colors.green],
  40: ["warn", colors.yellow],
  50: ["error", colors.red],
  60: ["fatal", colors.red],
};

export class LogForPeople implements DestinationStream {
  readonly #stream: { write(text: string): unknown };

  constructor(stream: { write(text: string): unknown }) {
    this.#stream = stream;
  }

  write(line: string): void {
    this.#stream.write(`${lineOf(line)}\n`);
  }
}

function lineOf(line: string): string {
  const { time, level, msg, ...rest } = JSON.parse(line) as Readonly<Record<string, unknown>>;
  const [name, paint] = levels[Number(level)] ?? [String(level), colors.dim];
  const fields = Object.entries(rest).map(([key, value]) => `${colors.dim(`${key}=`)}${textOf(value)}`);
  return [String(time).slice(11, 23), paint(name.padEnd(5)), String(msg), ...fields].join("  ");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
