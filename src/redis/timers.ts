// Timers on Redis. Twin of memory/timers.ts.

import type { Clock } from "../ports/clock.ts";
import type { EntityKey, FiringStep } from "../ports/event-store.ts";
import type { Due, DueRequest, Fate, Listed, SetAside, StoredTimer, Timers } from "../ports/timers.ts";
import { type Call, Caller } from "./caller.ts";
import { runDue } from "./due.ts";
import { codeOf } from "./failure.ts";
import type { KeySpace } from "./keys.ts";
import type { Client } from "./script.ts";
import { runSetAside, type SetAsideCall } from "./set-aside.ts";
import { formatError, markOf, parseTimer } from "./timer-format.ts";

export interface RedisTimersParts {
  readonly client: Client;
  readonly isCluster: boolean;
  readonly space: KeySpace;
  readonly clock: Clock;
}

export class RedisTimers implements Timers {
  readonly #space: KeySpace;
  readonly #isCluster: boolean;
  readonly #caller: Caller;

  constructor({ client, isCluster, space, clock }: RedisTimersParts) {
    this.#space = space;
    this.#isCluster = isCluster;
    this.#caller = new Caller(client, clock);
  }

  async due(requests: readonly DueRequest[], deadline: number): Promise<readonly Due[]> {
    // On a cluster a call has the keys of one slot: one for each partition, under way together.
    const calls = this.#isCluster ? requests.map((request) => [request]) : [requests];
    return (await Promise.all(calls.map((one) => this.#due(one, deadline)))).flat();
  }

  async list(key: EntityKey, deadline: number): Promise<Listed> {
    const name = this.#space.timers(key);
    const answer = await this.#caller.call((client) => readAll(client, name), deadline);
    return answer.kind === "replied" ? answer.reply : unavailable(answer);
  }

  setAside(
    key: EntityKey,
    { name, generation, dueAt }: Omit<FiringStep, "missed">,
    fate: Fate,
    deadline: number,
  ): Promise<SetAside> {
    const call = { key, name, mark: markOf(generation, dueAt), tries: fate.tries };
    return fate.kind === "later"
      ? this.#setAside({ ...call, ms: fate.ms, error: "" }, deadline)
      : this.#setAside({ ...call, ms: null, error: formatError(fate.reason) }, deadline);
  }

  ignore(key: EntityKey, name: string, deadline: number): Promise<SetAside> {
    return this.#setAside({ key, name, mark: "", ms: null, tries: 0, error: "" }, deadline);
  }

  async close(): Promise<void> {
    this.#caller.close();
  }

  async #due(requests: readonly DueRequest[], deadline: number): Promise<readonly Due[]> {
    const answer = await this.#caller.call((client) => runDue(client, this.#space, requests), deadline);
    return answer.kind === "replied" ? answer.reply : requests.map(() => unavailable(answer));
  }

  /** Does the same twice: what is put off is put off a little longer. */
  async #setAside(call: SetAsideCall, deadline: number): Promise<SetAside> {
    const answer = await this.#caller.call((client) => runSetAside(client, this.#space, call), deadline);
    return answer.kind === "replied" ? answer.reply : unavailable(answer);
  }
}

/** A key of another type will not become a hash by asking again. */
async function readAll(client: Client, key: string): Promise<Listed> {
  try {
    return listedFrom(Object.entries(await client.hgetall(key)));
  } catch (thrown) {
    if (thrown instanceof Error && codeOf(thrown) === "WRONGTYPE")
      return { kind: "unreadable", reason: thrown.message };
    throw thrown;
  }
}

function listedFrom(fields: readonly (readonly [name: string, text: string])[]): Listed {
  const timers: StoredTimer[] = [];
  for (const [name, text] of fields) {
    const timer = parseTimer(name, text);
    if (timer === undefined)
      return { kind: "unreadable", reason: `the timer ${name} is none of Pachyderm's` };
    timers.push(timer);
  }
  return { kind: "listed", timers: timers.toSorted((a, b) => a.dueAt - b.dueAt) };
}

function unavailable({ reason }: Extract<Call<never>, { kind: "failed" }>) {
  return { kind: "unavailable", reason } as const;
}
