// How far it is: a bar on a terminal, a line now and then elsewhere.

import { Presets, SingleBar } from "cli-progress";
import pc from "picocolors";

export interface Progress {
  step(): void;
  end(): void;
}

export function progressOf(total: number): Progress {
  return process.stdout.isTTY ? barOf(total) : linesOf(total);
}

function barOf(total: number): Progress {
  const format = `  ${pc.cyan("{bar}")} {percentage} %  {value}/{total}  {duration_formatted}`;
  const bar = new SingleBar({ format, hideCursor: true, fps: 20 }, Presets.shades_classic);
  bar.start(total, 0);
  return { step: () => bar.increment(), end: () => bar.stop() };
}

function linesOf(total: number): Progress {
  const part = Math.ceil(total / 4);
  let done = 0;
  return {
    step() {
      done++;
      if (done % part === 0 || done === total) console.log(`  ${done} of ${total} sends answered`);
    },
    end() {},
  };
}
