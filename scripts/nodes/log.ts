// The log lines of several nodes, as a person reads them: each behind its node's name, in its node's colour.

import pc from "picocolors";
import { prettyFactory } from "pino-pretty";

const colours = [pc.cyan, pc.magenta, pc.yellow, pc.green, pc.blue];
const pretty = prettyFactory({
  colorize: pc.isColorSupported,
  translateTime: "SYS:HH:MM:ss.l",
  singleLine: true,
});

/** @param index of the node, from 0 */
export function printerOf(name: string, index: number): (line: string) => void {
  const colour = colours[index % colours.length] ?? pc.white;
  return (line) => {
    process.stdout.write(`${colour(name)} ${pretty(line)}`);
  };
}
