// What a node counts, as Prometheus reads it. Twin of the port meter.ts; the door adds its requests.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { ErrorCode } from "../core/errors.ts";
import type { Gauges } from "../node/cluster-view.ts";
import type { Meter } from "../ports/meter.ts";

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const MANY = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/**
 * Given to `Pachyderm.start({ meter })` and to `openHttp({ metrics })`, which serves it at `/metrics`. It has a registry of
 * its own: several nodes of one process do not mix, nor do they touch what the program itself registers.
 */
export class Metrics implements Meter {
  readonly #registry = new Registry();
  readonly #ended: Counter<"kind" | "code">;
  /** The counter of each kind and code: looking labels up costs more than counting. */
  readonly #endedBy = new Map<string, { inc(): void }>();
  readonly #callSeconds: Histogram;
  readonly #callCommits: Histogram;
  readonly #batchMessages: Histogram;
  readonly #conflicts: Counter;
  readonly #divergences: Counter;
  readonly #forwarded: Counter;
  readonly #handledForAnother: Counter;
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #requestSeconds: Histogram<"method" | "route">;
  #gauges: (() => Gauges) | null = null;

  constructor() {
    const registers = [this.#registry];
    const counter = (name: string, help: string) =>
      new Counter({ name: `pachyderm_${name}`, help, registers });
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name: `pachyderm_${name}`, help, buckets, registers });
    this.#ended = new Counter({
      name: "pachyderm_ended_total",
      help: "Sends and gets of this node's own program that ended: code is ok, or that of the error",
      labelNames: ["kind", "code"],
      registers,
    });
    this.#callSeconds = histogram("commit_call_seconds", "Time of a call to the store that commits", SECONDS);
    this.#callCommits = histogram("commit_call_commits", "Commits that went in one call to the store", MANY);
    this.#batchMessages = histogram(
      "commit_messages",
      "Messages of one entity that went in one commit",
      MANY,
    );
    this.#conflicts = counter("conflicts_total", "Commits that came second");
    this.#divergences = counter("divergences_total", "Memories that were not the log, and were discarded");
    this.#forwarded = counter("forwarded_total", "Messages of this node's program that went to another node");
    this.#handledForAnother = counter("handled_for_another_total", "Messages that came from another node");
    this.#requests = new Counter({
      name: "pachyderm_http_requests_total",
      help: "Requests that were answered",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#requestSeconds = new Histogram({
      name: "pachyderm_http_request_seconds",
      help: "Time from a request to the end of its answer",
      labelNames: ["method", "route"],
      buckets: SECONDS,
      registers,
    });
    this.#gauge("resident_entities", "Entities in memory", ({ resident }) => resident);
    this.#gauge("mailbox_messages", "Messages taken and not answered yet", ({ waiting }) => waiting);
    this.#gauge("partitions_owned", "Partitions that this node owns", ({ partitions }) => partitions);
    collectDefaultMetrics({ register: this.#registry });
  }

  ended(kind: "send" | "get", code: ErrorCode | null): void {
    const key = `${kind} ${code}`;
    let counter = this.#endedBy.get(key);
    if (counter === undefined) {
      counter = this.#ended.labels({ kind, code: code ?? "ok" });
      this.#endedBy.set(key, counter);
    }
    counter.inc();
  }

  called(ms: number, commits: number): void {
    this.#callSeconds.observe(ms / 1_000);
    this.#callCommits.observe(commits);
  }

  batched(messages: number): void {
    this.#batchMessages.observe(messages);
  }

  conflicted(): void {
    this.#conflicts.inc();
  }

  diverged(): void {
    this.#divergences.inc();
  }

  forwarded(): void {
    this.#forwarded.inc();
  }

  handledForAnother(): void {
    this.#handledForAnother.inc();
  }

  /** The door's own: one request. @param route the pattern, for each path by itself would be a series of its own */
  answered(method: string, route: string, status: number, ms: number): void {
    this.#requests.inc({ method, route, status });
    this.#requestSeconds.observe({ method, route }, ms / 1_000);
  }

  /** Whom to ask, at each scrape, how much there is now. */
  watch(gauges: () => Gauges): void {
    this.#gauges = gauges;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus's text format. */
  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  #gauge(name: string, help: string, part: (gauges: Gauges) => number): void {
    const ask = (): number | undefined => (this.#gauges === null ? undefined : part(this.#gauges()));
    new Gauge({
      name: `pachyderm_${name}`,
      help,
      registers: [this.#registry],
      collect() {
        this.set(ask() ?? 0);
      },
    });
  }
}
