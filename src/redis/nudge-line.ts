// A connection that hears hints, made anew whenever it is lost.

import type { Redis } from "ioredis";
import { codeOf } from "./failure.ts";

/** Makes a connection that is not open yet and does not reconnect by itself; undefined: there is no server to go to. */
export type OpenLine = () => Redis | undefined;

/** A line that hears nothing may be one that is dead: asked so often, it is given up by its `socketTimeout`. */
const PING_MS = 3_000;
const LONGEST_PAUSE_MS = 500;

/**
 * Not ioredis's own reconnecting: it would go back to the same server of a cluster for ever, and with a cluster's client
 * nobody could tell that hints were missed.
 */
export class NudgeLine {
  readonly #open: OpenLine;
  readonly #channel: string;
  readonly #hint: () => void;
  readonly #first = Promise.withResolvers<void>();
  #line: Redis | undefined;
  #failures = 0;
  #pausing: NodeJS.Timeout | undefined;
  #pinging: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param hint called for each hint, and when a line was made: what came before it was not heard */
  constructor(open: OpenLine, channel: string, hint: () => void) {
    this.#open = open;
    this.#channel = channel;
    this.#hint = hint;
  }

  /**
   * Settles when the line hears for the first time.
   * @throws Error of ioredis, if it may not
   */
  async start(): Promise<void> {
    this.#connect();
    await this.#first.promise;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#pausing);
    clearInterval(this.#pinging);
    this.#line?.disconnect();
  }

  #connect(): void {
    const line = this.#open();
    this.#line = line;
    if (line === undefined) {
      this.#again();
      return;
    }
    line.on("message", () => {
      if (!this.#closed) this.#hint(); // it may have come before the end, and be read behind it
    });
    line.once("end", () => this.#again());
    line.once("ready", () => this.#listen(line));
    line.connect().catch(() => {}); // "end" follows
  }

  #listen(line: Redis): void {
    line.subscribe(this.#channel).then(
      () => this.#listens(line),
      (thrown: unknown) => {
        if (thrown instanceof Error && codeOf(thrown) === "NOPERM") this.#first.reject(thrown);
        line.disconnect(); // cut off meanwhile, or not allowed to listen: "end" follows, and another try
      },
    );
  }

  #listens(line: Redis): void {
    if (this.#closed || line !== this.#line) return;
    this.#failures = 0;
    this.#pinging = setInterval(() => {
      line.ping().catch(() => {}); // "end" follows
    }, PING_MS);
    this.#first.resolve();
    this.#hint();
  }

  #again(): void {
    clearInterval(this.#pinging);
    if (this.#closed) return;
    this.#pausing = setTimeout(
      () => this.#connect(),
      Math.min(20 * 2 ** Math.min(this.#failures, 5), LONGEST_PAUSE_MS),
    );
    this.#failures += 1;
  }
}
