// Ports of 127.0.0.1 for the HTTP doors of nodes.

import { createServer } from "node:net";
import { freePort } from "../../test/harness/free-port.ts";

/** From `first` on where they are free; those that are not are replaced by what the system chooses. */
export async function portsFrom(first: number, count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let port = first; port < first + count; port++) {
    ports.push((await isFree(port)) ? port : await freePort());
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
