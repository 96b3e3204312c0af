// Views on Redis. Twin of memory/views.ts.

import type { Clock } from "../ports/clock.ts";
import type { EntityKey } from "../ports/event-store.ts";
import type {
  CountedRows,
  CountRows,
  FindRows,
  FoundRows,
  GotRow,
  Schemas,
  ViewKey,
  Views,
} from "../ports/views.ts";
import { Caller } from "./caller.ts";
import { codeOf } from "./failure.ts";
import type { KeySpace } from "./keys.ts";
import type { Client } from "./script.ts";
import { schemasFrom, ViewCalls, type viewChangeHeader } from "./view-calls.ts";

export interface RedisViewsParts {
  readonly client: Client;
  readonly isCluster: boolean;
  readonly space: KeySpace;
  readonly clock: Clock;
}

type Unavailable = { readonly kind: "unavailable"; readonly reason: string };

export class RedisViews implements Views {
  readonly #space: KeySpace;
  readonly #isCluster: boolean;
  readonly #caller: Caller;
  readonly #calls: ViewCalls;

  constructor({ client, isCluster, space, clock }: RedisViewsParts) {
    this.#space = space;
    this.#isCluster = isCluster;
    this.#caller = new Caller(client, clock);
    this.#calls = new ViewCalls(space);
  }

  get(view: ViewKey, key: EntityKey, deadline: number): Promise<GotRow> {
    return this.#ask((client) => this.#calls.get(client, view, key), deadline);
  }

  find(view: ViewKey, requests: readonly FindRows[], deadline: number): Promise<readonly FoundRows[]> {
    return this.#each(requests, (client, some) => this.#calls.find(client, view, some), deadline);
  }

  count(view: ViewKey, requests: readonly CountRows[], deadline: number): Promise<readonly CountedRows[]> {
    return this.#each(requests, (client, some) => this.#calls.count(client, view, some), deadline);
  }

  schemas(partition: number, deadline: number): Promise<Schemas> {
    return this.#ask((client) => readSchemas(client, this.#space.viewTables(partition)), deadline);
  }

  begin(partition: number, view: ViewKey, deadline: number): Promise<Schemas> {
    return this.#change("begin", partition, view, deadline);
  }

  ready(partition: number, view: ViewKey, deadline: number): Promise<Schemas> {
    return this.#change("ready", partition, view, deadline);
  }

  drop(partition: number, view: ViewKey, deadline: number): Promise<Schemas> {
    return this.#change("drop", partition, view, deadline);
  }

  async close(): Promise<void> {
    this.#caller.close();
  }

  /** Each of them leaves the same, done twice. */
  #change(
    change: (typeof viewChangeHeader.changes)[number],
    partition: number,
    view: ViewKey,
    deadline: number,
  ): Promise<Schemas> {
    return this.#ask((client) => this.#calls.change(client, change, partition, view), deadline);
  }

  async #ask<T>(run: (client: Client) => Promise<T>, deadline: number): Promise<T | Unavailable> {
    const answer = await this.#caller.call(run, deadline);
    return answer.kind === "replied" ? answer.reply : { kind: "unavailable", reason: answer.reason };
  }

  /** On a cluster a call has the keys of one slot: one for each partition, under way together. */
  async #each<R, T>(
    requests: readonly R[],
    run: (client: Client, requests: readonly R[]) => Promise<readonly T[]>,
    deadline: number,
  ): Promise<readonly (T | Unavailable)[]> {
    const calls = this.#isCluster ? requests.map((request) => [request]) : [requests];
    const answers = calls.map(async (some) => {
      const answer = await this.#ask((client) => run(client, some), deadline);
      return "kind" in answer ? some.map(() => answer) : answer;
    });
    return (await Promise.all(answers)).flat();
  }
}

/** A key of another type will not become a hash by asking again. */
async function readSchemas(client: Client, key: string): Promise<Schemas> {
  try {
    return { kind: "schemas", schemas: schemasFrom(Object.entries(await client.hgetall(key)).flat()) };
  } catch (thrown) {
    if (thrown instanceof Error && codeOf(thrown) === "WRONGTYPE")
      return { kind: "unreadable", reason: thrown.message };
    throw thrown;
  }
}
