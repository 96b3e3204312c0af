// The nodes of the demo: processes of cluster/main.ts on one Redis, of which one can be killed and started again.

import { freePort } from "../../test/harness/free-port.ts";
import { NodeProcess } from "../nodes/node-process.ts";

export interface NodesOrder {
  readonly redis: string;
  readonly network: string;
  readonly secret: string;
  readonly count: number;
}

/** What a node has done, by its own count. */
export interface Share {
  readonly name: string;
  /** Requests that it answered over HTTP. */
  readonly requests: number;
  /** Messages that it handled. */
  readonly handled: number;
  /** Those of them that came to it from another node, or a client. */
  readonly forwarded: number;
}

export class Nodes {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #nodes: NodeProcess[] = [];
  readonly #killed: Share[] = [];
  readonly #died: string[] = [];
  readonly #announced = new Map<string, number>();

  private constructor({ redis, network, secret }: NodesOrder) {
    const foreign = Object.entries(process.env).filter(([name]) => !name.startsWith("PACHYDERM_"));
    this.#env = {
      ...Object.fromEntries(foreign),
      PACHYDERM_REDIS_URL: redis,
      PACHYDERM_NETWORK: network,
      PACHYDERM_SECRET: secret,
    };
  }

  /** They may still be starting: see `serve`. */
  static async spawn(order: NodesOrder): Promise<Nodes> {
    const nodes = new Nodes(order);
    for (let n = 1; n <= order.count; n++) nodes.#nodes.push(nodes.#node(`node${n}`, await freePort()));
    return nodes;
  }

  async serve(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.serves()));
  }

  get addresses(): readonly string[] {
    return this.#nodes.map(({ address }) => address);
  }

  /** How often the nodes announced each late departure, by the effect's id, as their logs tell. */
  get announced(): ReadonlyMap<string, number> {
    return this.#announced;
  }

  /** Nodes that ended without being asked to, in words. */
  get died(): readonly string[] {
    return this.#died;
  }

  /**
   * Kills a node with SIGKILL and starts it again, at the same address.
   * @param onKill called when it is dead
   */
  async killAndStartAgain(index: number, onKill: () => void): Promise<void> {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    const share = await shareOf(node); // of what it handles from now until it is dead, nobody tells
    await node.kill();
    onKill();
    this.#killed.push({ ...share, name: `${node.name}, until it was killed` });
    const again = this.#node(node.name, Number(new URL(node.address).port));
    this.#nodes[index] = again;
    await again.serves();
  }

  async shares(): Promise<readonly Share[]> {
    const alive = await Promise.all(this.#nodes.map(shareOf));
    return [...this.#killed, ...alive].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
  }

  #node(name: string, httpPort: number): NodeProcess {
    const onLine = (line: string): void => {
      if (!line.includes("a late departure was announced")) return;
      const { effectId } = JSON.parse(line) as { readonly effectId: string };
      this.#announced.set(effectId, (this.#announced.get(effectId) ?? 0) + 1);
    };
    const node = new NodeProcess({ name, httpPort, env: this.#env, onLine });
    node.ended.then(({ code, signal }) => {
      if (!node.isMeant) this.#died.push(`${name} ended by itself (${signal ?? `exit code ${code}`})`);
    });
    return node;
  }
}

async function shareOf({ name, address }: NodeProcess): Promise<Share> {
  const text = await (await fetch(`${address}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
  const sumOf = (series: RegExp): number =>
    [...text.matchAll(series)].reduce((sum, [, value]) => sum + Number(value), 0);
  return {
    name,
    requests: sumOf(/^pachyderm_http_requests_total\{method="POST".*\} (.*)$/gm),
    handled: sumOf(/^pachyderm_commit_messages_sum (.*)$/gm),
    forwarded: sumOf(/^pachyderm_handled_for_another_total (.*)$/gm),
  };
}
