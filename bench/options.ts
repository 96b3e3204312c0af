// The command line, and what it means in time and numbers.

import { parseArgs } from "node:util";

export interface Options {
  /** Names of scenarios; none: all. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Of one measurement. */
  readonly ms: number;
  readonly warmUpMs: number;
  /** Of the long log. */
  readonly events: number;
  readonly json: string | undefined;
  readonly pin: boolean;
  /** Whether processor times are told beside throughputs. */
  readonly cpu: boolean;
}

export const USAGE = `npm run bench -- [scenario …] [--rounds N] [--quick] [--cpu] [--json FILE] [--no-pin]`;

export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    allowNegative: true,
    options: {
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      pin: { type: "boolean", default: true },
      cpu: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 7));
  if (!Number.isSafeInteger(rounds) || rounds < 1 || rounds > 50)
    throw new Error("--rounds is a number from 1 to 50");
  return {
    only: positionals,
    rounds,
    ms: values.quick ? 250 : 700,
    warmUpMs: values.quick ? 100 : 800,
    events: 10_000,
    json: values.json,
    pin: values.pin,
    cpu: values.cpu,
  };
}
