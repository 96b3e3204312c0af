// The nodes, as a command reaches them: over Redis and the nodes' own lines, or over the HTTP door of one of them.

import type { Json } from "../core/json.ts";
import type { Recorded } from "../core/recorded.ts";
import type { Reference } from "../core/reference.ts";
import type { Lag } from "../core/subscription.ts";
import type { ClusterView, Located } from "../node/cluster-view.ts";
import type { FailedEffect } from "../node/effect-jobs.ts";
import type { EntitiesOptions, EntitiesPage } from "../node/entities.ts";
import type { EventsPage } from "../node/events.ts";
import type { History, HistoryOptions } from "../node/history.ts";
import type { Preview } from "../node/preview.ts";
import type { Timer } from "../node/timers.ts";
import type { RowsPage } from "../node/views.ts";

export interface RemoteSend {
  readonly key?: string;
  /** A version, or a cursor. */
  readonly expected?: number | string;
  readonly timeoutMs?: number;
  /** `none`, or the name of a query. */
  readonly answer?: string;
  readonly args?: Json;
  readonly retry: boolean;
}

export interface RemoteGet {
  readonly query?: string;
  readonly args?: Json;
  readonly stale: boolean;
  /** A cursor. */
  readonly atLeast?: string;
  readonly timeoutMs?: number;
}

/** As the HTTP door and `Pachyderm.send` answer alike. */
export interface RemoteSent {
  readonly state?: unknown;
  readonly result?: unknown;
  readonly version: number;
  readonly cursor: string;
  readonly handledVersion: number;
  readonly reply: unknown;
  readonly duplicate: boolean;
}

export interface RemoteGot {
  readonly state?: unknown;
  readonly result?: unknown;
  readonly version: number;
  readonly cursor: string;
}

/** Values as text, as the HTTP door takes them. */
export interface RemoteFind {
  readonly by?: string;
  readonly from?: string;
  readonly to?: string;
  readonly order?: string;
  readonly limit?: number;
  readonly after?: string;
}

/** With `locate`: the partition and the owner of that entity. */
export type RemoteCluster = ClusterView & Partial<Located>;

export interface RemoteSubscription extends Lag {
  readonly name: string;
  readonly cursor: string;
}

export type RemotePreview = Preview;

/** All of them throw PachydermError, and CliFailure where HTTP itself fails. */
export interface Remote {
  /** Whether a message is on its way: whoever is interrupted then does not know what became of it. */
  readonly isSending: boolean;
  send(reference: Reference, message: Json, options: RemoteSend): Promise<RemoteSent>;
  get(reference: Reference, options: RemoteGet): Promise<RemoteGot>;
  events(reference: Reference, from: number, limit: number): Promise<EventsPage>;
  timers(reference: Reference): Promise<readonly Timer[]>;
  entities(options: EntitiesOptions): Promise<EntitiesPage>;
  /** What of a view is asked for stands as in the HTTP door's query. */
  row(type: string, view: string, id: string): Promise<unknown>;
  rows(type: string, view: string, find: RemoteFind): Promise<RowsPage<object>>;
  countRows(type: string, view: string, find: RemoteFind): Promise<number>;
  history(reference: Reference, options: HistoryOptions): Promise<History>;
  preview(reference: Reference, message: Json): Promise<RemotePreview>;
  cluster(locate?: string): Promise<RemoteCluster>;
  failedEffects(limit: number): Promise<readonly FailedEffect[]>;
  /** How many: 0 where none with this id has failed. `"all"` is all of them. */
  retryEffect(id: string): Promise<number>;
  dropEffect(id: string): Promise<number>;
  /** Until it is left, or the signal is aborted. @param from a version, inclusive, or a cursor, exclusive */
  follow(reference: Reference, from: number | string, signal: AbortSignal): AsyncIterable<Recorded>;
  /** Their names. */
  subscriptions(): Promise<readonly string[]>;
  subscription(name: string): Promise<RemoteSubscription>;
  steerSubscription(name: string, what: "pause" | "resume"): Promise<void>;
  rewindSubscription(name: string, to: string): Promise<void>;
  close(): Promise<void>;
}
