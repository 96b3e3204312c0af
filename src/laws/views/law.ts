// Makes a law of a sentence and a check: opens the clients that it needs, and closes them, however it ends.

import assert from "node:assert/strict";
import { newId } from "../../core/reference.ts";
import { fieldsOf } from "../../core/view.ts";
import { type IndexValue, indexText, spanOf } from "../../core/view-order.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Commit, CommitResult, EntityKey, EventStore, RowStep } from "../../ports/event-store.ts";
import type { ViewKey, Views } from "../../ports/views.ts";
import type { Judged, Law } from "../backend.ts";

export interface ViewsBackend extends Judged {
  /** The clock that the clients were given: deadlines are by it. */
  readonly clock: Clock;
  /** Partitions are 0 to this, exclusive; at least 4. */
  readonly partitions: number;
  /** Another client on the same data: its commits write rows, and its views read them. Laws close what they open. */
  open(): Promise<{ readonly store: EventStore; readonly views: Views }>;
  /**
   * Puts something that is not Pachyderm's in place of the rows, the first index, the list of schemas, or that of what is
   * behind.
   */
  spoil?(partition: number, view: ViewKey, part: "rows" | "index" | "schemas" | "behind"): Promise<void>;
}

/** Long enough for any server that is alive; a law about deadlines sets its own. */
const CALL_MS = 10_000;
let made = 0;

/** A view that no other law has, in a schema of two indexes. */
export function newView(version = 1): ViewKey {
  made += 1;
  return { table: `law:v${newId().replaceAll("-", "")}${made}`, schema: `${version}.name.size` };
}

export type Fields = Readonly<Record<string, IndexValue>>;

/** As an entity's code makes it. @param fields null: there is no row */
export function stepOf(
  { table, schema }: ViewKey,
  fields: Fields | null,
  mode: RowStep["mode"] = "changed",
): RowStep {
  const values = fieldsOf(schema).map((field) => {
    const value = fields?.[field];
    return value === undefined ? null : indexText(value);
  });
  return { table, schema, mode, row: fields === null ? null : JSON.stringify(fields), values };
}

/** The same by a caller that remembers the row as `before`. */
export function changeOf(view: ViewKey, fields: Fields | null, before: Fields | null): RowStep {
  return { ...stepOf(view, fields), before: stepOf(view, before).values };
}

export class Client {
  readonly store: EventStore;
  readonly views: Views;
  readonly #clock: Clock;

  constructor(store: EventStore, views: Views, clock: Clock) {
    this.store = store;
    this.views = views;
    this.#clock = clock;
  }

  deadline(ms = CALL_MS): number {
    return this.#clock.monotonicMs() + ms;
  }

  /** An entity that has no records yet. */
  entity(partition = 0): Entity {
    return new Entity(this, { id: newId(), partition });
  }

  async begin(view: ViewKey, partition = 0): Promise<boolean> {
    const begun = await this.views.begin(partition, view, this.deadline());
    assert.equal(begun.kind, "schemas", JSON.stringify(begun));
    return await this.#isReady(view, partition);
  }

  async ready(view: ViewKey, partition = 0): Promise<void> {
    await this.begin(view, partition);
    await this.views.ready(partition, view, this.deadline());
    assert.ok(await this.#isReady(view, partition), "it is ready");
  }

  async row(view: ViewKey, { key }: Entity): Promise<unknown> {
    const got = await this.views.get(view, key, this.deadline());
    if (got.kind !== "row") return got.kind;
    return got.row === null ? null : JSON.parse(got.row);
  }

  /** The rows of one partition, in order. */
  async find(
    view: ViewKey,
    field: string,
    { from, to, limit = 100, descending = false, partition = 0 }: Finding = {},
  ): Promise<unknown> {
    const span = { field, ...spanOf(from, to) };
    const [found] = await this.views.find(view, [{ partition, span, descending, limit }], this.deadline());
    return found?.kind === "rows" ? found.rows.map(({ row }) => JSON.parse(row)) : found?.kind;
  }

  /** Whose rows are behind, in the order of their ids, as `find` and `count` say. */
  async behind(view: ViewKey, field: string, partition = 0): Promise<readonly string[]> {
    const span = { field, ...spanOf(undefined, undefined) };
    const requests = [{ partition, span, descending: false, limit: 1 }];
    const [found] = await this.views.find(view, requests, this.deadline());
    const [counted] = await this.views.count(view, requests, this.deadline());
    assert.ok(found?.kind === "rows" && counted?.kind === "count");
    assert.deepEqual(found.behind.toSorted(), counted.behind.toSorted());
    return found.behind.toSorted();
  }

  async count(view: ViewKey, field: string | null = null, { from, to, partition = 0 }: Finding = {}) {
    const span = field === null ? null : { field, ...spanOf(from, to) };
    const [counted] = await this.views.count(view, [{ partition, span }], this.deadline());
    return counted?.kind === "count" ? counted.count : counted?.kind;
  }

  async #isReady({ table, schema }: ViewKey, partition: number): Promise<boolean> {
    const found = await this.views.schemas(partition, this.deadline());
    assert.ok(found.kind === "schemas", JSON.stringify(found));
    const own = found.schemas.find((one) => one.table === table && one.schema === schema);
    return own?.ready === true;
  }
}

export interface Finding {
  readonly from?: IndexValue;
  readonly to?: IndexValue;
  readonly limit?: number;
  readonly descending?: boolean;
  readonly partition?: number;
}

/** An entity as its worker remembers it. */
export class Entity {
  readonly key: EntityKey;
  readonly #client: Client;
  head: Commit["expected"] = { version: 0, commitId: "" };

  constructor(client: Client, key: EntityKey) {
    this.#client = client;
    this.key = key;
  }

  /** Of one record, unless something else is said. */
  commit(rows: readonly RowStep[] | undefined, parts: Partial<Commit> = {}): Commit {
    return {
      key: this.key,
      type: "law",
      commitId: newId(),
      expected: this.head,
      records: [{ messageId: newId(), event: '{"type":"changed"}', reply: "" }],
      receipts: [],
      snapshot: null,
      ...(rows === undefined ? {} : { rows }),
      ...parts,
    };
  }

  async try(commit: Commit): Promise<CommitResult> {
    const [result] = await this.#client.store.commit([commit], this.#client.deadline());
    return result ?? assert.fail("no answer");
  }

  /** Must be written. */
  async write(rows?: readonly RowStep[], parts: Partial<Commit> = {}): Promise<void> {
    const commit = this.commit(rows, parts);
    const result = await this.try(commit);
    assert.equal(result.kind, "committed", JSON.stringify(result));
    const { records, commitId } = commit;
    if (records.length > 0) this.head = { version: this.head.version + records.length, commitId };
  }
}

export function law(
  name: string,
  run: (client: Client, backend: ViewsBackend) => Promise<void>,
): Law<ViewsBackend> {
  return {
    name,
    async check({ backend }) {
      const { store, views } = await backend.open();
      try {
        await run(new Client(store, views, backend.clock), backend);
      } finally {
        await Promise.all([store.close(), views.close()]);
      }
    },
  };
}
