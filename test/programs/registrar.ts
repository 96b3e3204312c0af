// Opens membership and leases, uses and closes them, and then does nothing: it must come to its end by itself. There is
// no process.exit here, so that whatever is left open keeps it alive, and its parent notices.

import { PachydermError } from "../../src/core/errors.ts";
import { systemClock } from "../../src/node/clock.ts";
import { openRegistry, type Registry } from "../../src/redis/registry.ts";

export interface RegistrarOrder {
  readonly redis: string;
  readonly leaseServers: readonly string[];
  readonly timeoutMs: number;
}

/** Its one line. */
export type RegistrarLine =
  | { readonly opened: true; readonly seen: string; readonly lease: string }
  | { readonly opened: false; readonly code: string; readonly message: string; readonly tookMs: number };

const order = JSON.parse(process.argv[2] ?? "") as RegistrarOrder;
const began = performance.now();
console.log(JSON.stringify(await run()));

async function run(): Promise<RegistrarLine> {
  try {
    return await use(
      await openRegistry({
        ...order,
        network: "registrar",
        partitions: 4,
        leaseMs: 2_000,
        clock: systemClock,
      }),
    );
  } catch (thrown) {
    if (!(thrown instanceof PachydermError)) throw thrown;
    const { code, message } = thrown;
    return { opened: false, code, message, tookMs: performance.now() - began };
  }
}

async function use({ membership, leases }: Registry): Promise<RegistrarLine> {
  const soon = (): number => performance.now() + 10_000;
  const seen = await membership.look(soon());
  membership.nudge();
  const result = await leases.acquire(0, soon());
  if (result.kind === "held") await leases.release(result.lease, soon());
  // What is under way when it closes must not keep it, nor end it, either.
  const underWay = [membership.look(soon()), leases.acquire(1, soon())];
  await Promise.all([membership.close(), leases.close()]);
  await Promise.all(underWay);
  return { opened: true, seen: seen.kind, lease: result.kind };
}
