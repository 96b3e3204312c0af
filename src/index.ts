// The public face of Pachyderm.

export type { Cursor } from "./core/cursor.ts";
export {
  type Decision,
  type Event,
  type Message,
  type Rejection,
  reject,
  type Yield,
} from "./core/decision.ts";
export type { DurablePolicy } from "./core/durable.ts";
export type { Duration } from "./core/duration.ts";
export {
  type DispatchContext,
  defineEffect,
  type Effect,
  type EffectDefinition,
  type EffectSpec,
} from "./core/effect.ts";
export {
  defineEntity,
  type Entity,
  type EntitySpec,
  type HandleContext,
  type Queries,
} from "./core/entity.ts";
export { type ErrorCode, errorTable, type Outcome, PachydermError } from "./core/errors.ts";
export type { Json } from "./core/json.ts";
export type {
  DestroyOptions,
  DurabilityOption,
  Durable,
  GetOptions,
  Handled,
  SendOptions,
  Sent,
  Standing,
} from "./core/options.ts";
export type { Recorded } from "./core/recorded.ts";
export { idFrom, newId, type Reference } from "./core/reference.ts";
export type { RetentionPolicy } from "./core/retention-policy.ts";
export type { Schema } from "./core/schema.ts";
export type { LogLoss, MemoryLoss, SignalName, SignalPayloads } from "./core/signals.ts";
export type { SnapshotPolicy } from "./core/snapshot-policy.ts";
export type {
  AnyEvent,
  Delivered,
  DeliveryContext,
  Ended,
  EventsOf,
  Lag,
  PartitionLag,
  Projection,
  Subscribe,
  SubscribeBatch,
  SubscriptionOptions,
  SubscriptionProgress,
} from "./core/subscription.ts";
export { type TellOptions, tell } from "./core/tell.ts";
export {
  type CancelledTimer,
  cancel,
  type ScheduledTimer,
  schedule,
  type TimerContext,
  type TimerSpec,
} from "./core/timer.ts";
export type { IndexOf, RowOf, ViewSpec, Views, ViewTable } from "./core/view.ts";
export type { ClusterOptions } from "./node/cluster-options.ts";
export type { ClusterView, Gauges, Located, NodeView } from "./node/cluster-view.ts";
export type { BoardQueue, EffectCounts, EffectJobs, FailedEffect } from "./node/effect-jobs.ts";
export type { EntitiesOptions, EntitiesPage } from "./node/entities.ts";
export { type Environment, readEnvironment } from "./node/environment.ts";
export type { EventsOptions, EventsPage } from "./node/events.ts";
export type { Follow, FollowOptions } from "./node/follow.ts";
export type { History, HistoryOptions } from "./node/history.ts";
export { Pachyderm } from "./node/pachyderm.ts";
export type { Preview } from "./node/preview.ts";
export type { LogOptions, StartOptions } from "./node/settings.ts";
export type { RewindOptions, Subscription, WaitOptions } from "./node/subscription.ts";
export type { Timer } from "./node/timers.ts";
export type { CountOptions, FindOptions, IndexedValue } from "./node/view-options.ts";
export type { RowsPage, View } from "./node/views.ts";
export type { ListedEntity } from "./ports/event-store.ts";
export type { JobCounts } from "./ports/jobs.ts";
export type { Meter } from "./ports/meter.ts";
export type { RedisInput } from "./redis/connection.ts";
