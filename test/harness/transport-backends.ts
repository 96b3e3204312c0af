// The backends of the lines between nodes, for the laws. On the wire a proxy stands before each node, for what befalls it.

import type { Opened, OpenOptions, TransportBackend } from "../../src/laws/transport/law.ts";
import { MemoryExchange } from "../../src/memory/exchange.ts";
import { MemoryTransport } from "../../src/memory/transport.ts";
import { systemClock } from "../../src/node/clock.ts";
import type { TransportOptions } from "../../src/wire/transport.ts";
import { openTransport } from "../../src/wire/transport.ts";
import { freePort } from "./free-port.ts";
import type { Ends } from "./open-backend.ts";
import { TcpProxy } from "./proxy.ts";

const clock = systemClock;
const BEAT = { heartbeatMs: 20, silentMs: 150 };

/** Where all nodes of a process are. */
class MemoryNetwork {
  readonly #exchange = new MemoryExchange();
  readonly #ids = new Set<string>();
  readonly #held = new Set<string>();
  #count = 0;

  open({ id, listener, at, ...limits }: OpenOptions): Opened {
    this.#count += 1;
    this.#ids.add(id);
    const address = listener === null ? null : (at ?? `node-${this.#count}:7946`);
    const options = { id, address, exchange: this.#exchange, ...limits, ...BEAT };
    const transport = new MemoryTransport(options, listener ?? (() => {}), clock);
    const others = (): readonly string[] => [...this.#ids].filter((one) => one !== id);
    return {
      transport,
      hold: () => {
        this.#held.add(id);
        for (const other of others()) this.#exchange.hold(id, other);
      },
      release: () => {
        this.#held.delete(id);
        for (const other of others()) if (!this.#held.has(other)) this.#exchange.release(id, other);
      },
      kill: async () => {
        this.#exchange.leave(address ?? "", id);
        this.#exchange.resetAll(id);
        for (const other of others()) this.#exchange.release(id, other);
      },
    };
  }
}

export function memoryTransports(): TransportBackend & Ends {
  const networks = new Map<string, MemoryNetwork>();
  return {
    name: "memory",
    clock,
    async open(network, options) {
      const found = networks.get(network) ?? new MemoryNetwork();
      networks.set(network, found);
      return found.open(options);
    },
    nobody: async () => "nobody:7946",
    cannot: {},
    close: async () => {},
  };
}

/** @param options what all nodes have in common: a secret, or certificates */
export function wireTransports(
  name: string,
  options: Pick<TransportOptions, "secrets" | "tls">,
): TransportBackend & Ends {
  const proxies = new Map<string, TcpProxy>();
  return {
    name,
    clock,
    async open(network, { id, listener, at, ...limits }) {
      const proxy = (at === undefined ? undefined : proxies.get(at)) ?? (await TcpProxy.start(0));
      const advertise = `127.0.0.1:${proxy.port}`;
      proxies.set(advertise, proxy);
      const port = await freePort();
      const transport = await openTransport(
        {
          id,
          network,
          protocol: 1,
          listen: listener === null ? null : { host: "127.0.0.1", port },
          advertise,
          ...limits,
          ...BEAT,
          dialMs: 2_000,
          ...options,
        },
        listener ?? (() => {}),
        clock,
      );
      proxy.retarget(port);
      proxy.heal();
      return {
        transport,
        hold: () => proxy.hold(),
        release: () => proxy.heal(),
        kill: async () => proxy.refuse(),
      };
    },
    nobody: async () => `127.0.0.1:${await freePort()}`,
    cannot: {},
    async close() {
      await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    },
  };
}
