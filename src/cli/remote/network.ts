// Over Redis and the nodes' own lines: a pure sender, which hosts nothing and is no member.

import { PachydermError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Recorded } from "../../core/recorded.ts";
import type { Reference } from "../../core/reference.ts";
import type { FailedEffect } from "../../node/effect-jobs.ts";
import type { EntitiesOptions, EntitiesPage } from "../../node/entities.ts";
import { readEnvironment } from "../../node/environment.ts";
import type { EventsPage } from "../../node/events.ts";
import type { History, HistoryOptions } from "../../node/history.ts";
import { Pachyderm } from "../../node/pachyderm.ts";
import type { Timer } from "../../node/timers.ts";
import { lookUpSettings } from "../../redis/look-up.ts";
import { CliFailure, usage } from "../failure.ts";
import type {
  Remote,
  RemoteCluster,
  RemoteGet,
  RemoteGot,
  RemotePreview,
  RemoteSend,
  RemoteSent,
  RemoteSubscription,
} from "../remote.ts";

const START_MS = 5_000;

/**
 * Joins a network that there is: with its own settings, whatever they are, and without making one where a name was
 * misspelt.
 * @param entities the module of those that are looked at here; "": none, whatever the environment names, for they are the
 * nodes' business
 */
export async function openNetwork(
  variables: Readonly<Record<string, string | undefined>>,
  entities: string,
): Promise<Remote> {
  const { start } = await readEnvironment({ ...variables, PACHYDERM_ENTITIES: entities });
  const { redis = "", network = "" } = start;
  const settings = await lookUpSettings({ redis, network, timeoutMs: START_MS });
  if (settings === null) {
    const message = `there is no network ${network} on this Redis`;
    throw new PachydermError("NO_OWNER", message);
  }
  const wire: string[] = []; // what nodes refused this one for, in words
  process.on("warning", (warning) => {
    if ("code" in warning && warning.code === "PACHYDERM_WIRE") wire.push(warning.message);
  });
  const node = await Pachyderm.start({ ...start, ...settings, host: false, startTimeoutMs: START_MS });
  return new NetworkRemote(node, wire);
}

class NetworkRemote implements Remote {
  readonly #node: Pachyderm;
  readonly #refusals: readonly string[];
  #sending = 0;

  constructor(node: Pachyderm, refusals: readonly string[]) {
    this.#node = node;
    this.#refusals = refusals;
  }

  get isSending(): boolean {
    return this.#sending > 0;
  }

  async send(reference: Reference, message: Json, options: RemoteSend): Promise<RemoteSent> {
    const { key, expected, timeoutMs, answer, args, retry } = options;
    this.#sending += 1;
    try {
      const sent = await this.#node.send(reference, message as { readonly type: string }, {
        retry,
        ...(key === undefined ? {} : { idempotencyKey: key }),
        ...(expected === undefined ? {} : { expected }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(answer === undefined ? {} : { answer: answer as "state" }),
        ...(args === undefined ? {} : { args }),
      });
      return sent as RemoteSent;
    } catch (thrown) {
      throw this.#explained(thrown);
    } finally {
      this.#sending -= 1;
    }
  }

  async get(reference: Reference, options: RemoteGet): Promise<RemoteGot> {
    const { query, args, stale, atLeast, timeoutMs } = options;
    const get = this.#node.get.bind(this.#node) as GetByName;
    const given = {
      stale,
      ...(atLeast === undefined ? {} : { atLeast }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
    return await get(reference, query, args, given).catch((thrown: unknown) => {
      throw this.#explained(thrown);
    });
  }

  async events(reference: Reference, from: number, limit: number): Promise<EventsPage> {
    return await this.#node.events(reference, { from, limit });
  }

  async timers(reference: Reference): Promise<readonly Timer[]> {
    return await this.#node.timers(reference);
  }

  async entities(options: EntitiesOptions): Promise<EntitiesPage> {
    return await this.#node.entities(options);
  }

  /** What a row is made of, and its form, the nodes' code knows. */
  async row(): Promise<never> {
    throw usage("views are asked over HTTP: give --url, a node's door");
  }

  async rows(): Promise<never> {
    return await this.row();
  }

  async countRows(): Promise<never> {
    return await this.row();
  }

  async history(reference: Reference, options: HistoryOptions): Promise<History> {
    return (await this.#node.history(reference, options)) as History;
  }

  async preview(reference: Reference, message: Json): Promise<RemotePreview> {
    return (await this.#node.preview(reference, message as { readonly type: string })) as RemotePreview;
  }

  async cluster(locate?: string): Promise<RemoteCluster> {
    const view = this.#node.cluster();
    return locate === undefined ? view : { ...view, ...this.#node.locate(locate) };
  }

  async failedEffects(limit: number): Promise<readonly FailedEffect[]> {
    return await this.#node.effects.failed({ limit });
  }

  async retryEffect(id: string): Promise<number> {
    return await this.#node.effects.retry(id);
  }

  async dropEffect(id: string): Promise<number> {
    return await this.#node.effects.drop(id);
  }

  follow(reference: Reference, from: number | string, signal: AbortSignal): AsyncIterable<Recorded> {
    return this.#node.follow(reference, { from, signal }) as AsyncIterable<Recorded>;
  }

  async subscriptions(): Promise<readonly string[]> {
    return await this.#node.subscriptions();
  }

  async subscription(name: string): Promise<RemoteSubscription> {
    const subscription = this.#node.subscription(name);
    const [cursor, lag] = await Promise.all([subscription.cursor(), subscription.lag()]);
    return { name, cursor, ...lag };
  }

  async steerSubscription(name: string, what: "pause" | "resume"): Promise<void> {
    await this.#node.subscription(name)[what]();
  }

  async rewindSubscription(name: string, to: string): Promise<void> {
    await this.#node.subscription(name).rewind(to);
  }

  async close(): Promise<void> {
    await this.#node.stop();
  }

  /** Nobody could be asked: perhaps because all refused us, for a wrong secret say. */
  #explained(thrown: unknown): unknown {
    const refusal = this.#refusals.at(-1);
    if (!(thrown instanceof PachydermError) || thrown.code !== "NO_OWNER" || refusal === undefined)
      return thrown;
    return new CliFailure("SHUT_OUT", refusal.replace(/^pachyderm: /, ""), thrown.outcome);
  }
}

/** Of a reference that came as text nothing is known at compile time, the names of its queries neither. */
type GetByName = (
  reference: Reference,
  query: string | undefined,
  args: Json | undefined,
  options: { readonly stale: boolean; readonly atLeast?: string; readonly timeoutMs?: number },
) => Promise<RemoteGot>;
