// A random walk over a store and its model, side by side: what no one thought of writing a law for.

import assert from "node:assert/strict";
import type { StoredRecord } from "../../core/record.ts";
import type { Commit, CommitResult, EntityKey } from "../../ports/event-store.ts";
import { asLoaded, type Client, type LoadedRecords, newKey } from "./client.ts";
import { CommitMaker } from "./commit-maker.ts";
import { Dice } from "./dice.ts";
import { law, type Stage } from "./law.ts";
import { ModelEntity, type ModelLoad, type ModelRecord, type ModelResult } from "./model.ts";

const STEPS = 2_000;
const ENTITIES = 5;

interface Walked {
  readonly key: EntityKey;
  readonly model: ModelEntity;
  readonly maker: CommitMaker;
}

class Walk {
  readonly #dice: Dice;
  readonly #stage: Stage;
  readonly #clients: readonly Client[];
  readonly #entities: readonly Walked[];

  constructor(dice: Dice, stage: Stage, clients: readonly Client[]) {
    this.#dice = dice;
    this.#stage = stage;
    this.#clients = clients;
    this.#entities = Array.from({ length: ENTITIES }, () => {
      const key = newKey();
      const model = new ModelEntity();
      return { key, model, maker: new CommitMaker(key, dice, model) };
    });
  }

  async step(): Promise<void> {
    const client = this.#dice.oneOf(this.#clients);
    const entity = this.#dice.oneOf(this.#entities);
    const throw100 = this.#dice.number(1, 100);
    if (throw100 <= 60) await this.#commit(client, [entity]);
    else if (throw100 <= 70) await this.#commit(client, this.#some());
    else if (throw100 <= 82) await this.#load(client, this.#some());
    else if (throw100 <= 94) await this.#read(client, entity);
    else if (throw100 <= 97) await this.#trim(entity);
    else await this.#rollBack(entity);
  }

  /** Every entity's whole history, after the last step. */
  async end(): Promise<void> {
    for (const client of this.#clients) {
      for (const { key, model } of this.#entities) {
        assert.deepEqual(timeless(await client.history(key)), model.records);
      }
    }
  }

  async #commit(client: Client, entities: readonly Walked[]): Promise<void> {
    const commits = entities.map(({ maker }) => maker.next());
    const results = await client.call(commits);
    entities.forEach(({ model }, i) => {
      const commit = commits[i] ?? assert.fail();
      sameResult(results[i], model.commit(commit), described(commit));
    });
  }

  async #load(client: Client, entities: readonly Walked[]): Promise<void> {
    const schemas = entities.map(() => this.#dice.oneOf([null, 1, 2]));
    const requests = entities.map(({ key }, i) => ({ key, schema: schemas[i] ?? null }));
    const loads = await client.store.load(requests, client.deadline);
    entities.forEach(({ model }, i) => {
      sameLoad(asLoaded(loads[i]), model.load(schemas[i] ?? null));
    });
  }

  async #read(client: Client, { key, model }: Walked): Promise<void> {
    const from = this.#dice.number(1, model.version + 2);
    const limit = this.#dice.oneOf([1, 2, 10, 200, 10_000]);
    const { records, more } = await client.read(key, from, limit);
    const expected = model.from(from);
    assert.deepEqual(timeless(records), expected.slice(0, limit));
    if (!more) assert.equal(records.length, expected.length, "no more");
  }

  async #trim({ key, model }: Walked): Promise<void> {
    if (model.version === 0) return;
    const keepFrom = this.#dice.number(model.records[0]?.version ?? 1, model.version);
    await this.#stage.backend.trim(key, keepFrom);
    model.trim(keepFrom);
  }

  /** Not to before what was trimmed: that was never the end of this log. */
  async #rollBack({ key, model }: Walked): Promise<void> {
    if (model.version === 0) return;
    const first = model.records[0]?.version ?? 1;
    const version = this.#dice.number(first === 1 ? 0 : first, model.version);
    await this.#stage.backend.rollBack(key, version);
    model.rollBack(version);
  }

  #some(): readonly Walked[] {
    const some = this.#entities.filter(() => this.#dice.chance(0.6));
    return some.length > 0 ? some : this.#entities;
  }
}

/** A commit in a line: its records are many, and tell nothing. */
function described({ records, ...commit }: Commit): string {
  return JSON.stringify({ ...commit, records: records.length });
}

function timeless(records: readonly StoredRecord[]): readonly ModelRecord[] {
  return records.map(({ at: _at, ...record }) => record);
}

function sameResult(result: CommitResult | undefined, expected: ModelResult, commit: string): void {
  if (result?.kind === "conflict" && expected.kind === "conflict") {
    assert.ok(result.missed.length >= Math.min(2, expected.missed.length), "a conflict brings something");
    assert.deepEqual(timeless(result.missed), expected.missed.slice(0, result.missed.length), commit);
    return;
  }
  if (result?.kind === "committed") {
    assert.deepEqual({ kind: result.kind, already: result.already }, expected, commit);
    return;
  }
  assert.deepEqual(result, expected, commit);
}

function sameLoad({ snapshot, records, more }: LoadedRecords, expected: ModelLoad): void {
  assert.deepEqual(snapshot, expected.snapshot);
  assert.deepEqual(timeless(records), expected.records.slice(0, records.length));
  if (!more) assert.equal(records.length, expected.records.length, "no more");
}

async function walk(seed: number, client: Client, stage: Stage): Promise<void> {
  const steps = new Walk(new Dice(seed), stage, [client, await stage.open()]);
  for (let step = 1; step <= STEPS; step++) {
    await explained(`seed ${seed}, step ${step}`, () => steps.step());
  }
  await explained(`seed ${seed}, at the end`, () => steps.end());
}

/** Puts in front of an error where the walk was, so that it can be walked again. */
async function explained(where: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (thrown) {
    if (thrown instanceof Error) thrown.message = `${where}: ${thrown.message}`;
    throw thrown;
  }
}

/** A walk by the given seed; without one, by a new seed each time. */
export function walkLaw(seed?: number) {
  const name = seed === undefined ? "a new seed each time" : `seed ${seed}`;
  return law(`over ${STEPS} random steps, the store answers as the model does (${name})`, (client, stage) =>
    walk(seed ?? Math.floor(Math.random() * 2 ** 31), client, stage),
  );
}

export const walkLaws = [walkLaw(1), walkLaw(2), walkLaw(3), walkLaw()];
