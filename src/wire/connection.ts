// One connection that both sides trust, whichever of them made it: gathers what is said in one turn of the loop into
// frames, and knows when the other side was last heard of.

import type { WebSocket } from "ws";
import type { Clock } from "../ports/clock.ts";
import { BYTES_OF_CHARACTER, type Item, pack, SIGN_OF_LIFE, sizeOf, unpack } from "./frame.ts";

export interface ConnectionLimits {
  /** Bytes of one frame. */
  readonly maxFrameBytes: number;
  /** Bytes that may wait to be sent. */
  readonly maxWaitingBytes: number;
}

export interface ConnectionEvents {
  heard(items: readonly Item[]): void;
  /** Once, however it ended. */
  closed(reason: string): void;
}

/** What is gathered into one frame, in characters: a larger one would hold up the signs of life behind it. */
const FRAME_CHARACTERS = 64 * 1024;

export class Connection {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  readonly #events: ConnectionEvents;
  #queue: Item[] = [];
  /** Characters in the queue. */
  #queued = 0;
  #flushing = false;
  #closed = false;
  /** Monotonic ms. */
  #heardAt: number;
  #spokeAt: number;

  constructor(socket: WebSocket, clock: Clock, limits: ConnectionLimits, events: ConnectionEvents) {
    this.#socket = socket;
    this.#clock = clock;
    this.#limits = limits;
    this.#events = events;
    this.#heardAt = clock.monotonicMs();
    this.#spokeAt = this.#heardAt;
    socket.binaryType = "nodebuffer";
    socket.on("message", (data, isBinary) => this.#message(data as Buffer, isBinary));
    socket.on("close", (code, reason) =>
      this.#ended(`closed (${code}${reason.length > 0 ? `: ${reason}` : ""})`),
    );
    socket.on("error", (error) => this.#fail(error.message));
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  /** Nothing is read: nothing can be heard. */
  get isPaused(): boolean {
    return this.#socket.isPaused;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Bytes that wait, about. */
  get waitingBytes(): number {
    return this.#socket.bufferedAmount + this.#queued;
  }

  /** What became of it: gone with the next frame, or why not. */
  say(item: Item): "said" | "full" | "too-large" {
    const size = sizeOf(item);
    const { maxFrameBytes, maxWaitingBytes } = this.#limits;
    // Packed alone only where the cheap bound leaves a doubt.
    if (size * BYTES_OF_CHARACTER > maxFrameBytes && pack([item]).length > maxFrameBytes) return "too-large";
    if (this.waitingBytes + size > maxWaitingBytes) return "full";
    if (this.#queued + size > FRAME_CHARACTERS) this.#flush();
    this.#queue.push(item);
    this.#queued += size;
    if (!this.#flushing) {
      this.#flushing = true;
      process.nextTick(() => this.#flush());
    }
    return "said";
  }

  /** Says that this side lives, if it has said nothing for so long. */
  beat(now: number, idleMs: number): void {
    if (!this.#closed && now - this.#spokeAt >= idleMs) this.#send(SIGN_OF_LIFE);
  }

  /** Reads nothing more until {@link resume}: what the other side says waits in its own buffers. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#socket.isPaused) return;
    this.#heardAt = this.#clock.monotonicMs(); // nothing was heard because nothing was listened to
    this.#socket.resume();
  }

  /** Ends it, with what was said before it. */
  close(reason: string): void {
    this.#flush();
    this.#socket.close(1000, reason);
  }

  /** Ends it at once. */
  terminate(reason: string): void {
    this.#socket.terminate();
    this.#ended(reason);
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#queue.length === 0) return;
    const items = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    this.#send(pack(items));
  }

  #send(frame: Buffer): void {
    if (this.#closed || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#spokeAt = this.#clock.monotonicMs();
    this.#socket.send(frame);
  }

  #message(data: Buffer, isBinary: boolean): void {
    this.#heardAt = this.#clock.monotonicMs();
    if (this.#closed) return;
    let items: readonly Item[];
    try {
      if (!isBinary) throw new Error("frames are binary");
      items = unpack(data);
    } catch {
      this.#fail("what came is no frame");
      return;
    }
    if (items.length > 0) this.#events.heard(items);
  }

  #fail(reason: string): void {
    this.#socket.terminate();
    this.#ended(reason);
  }

  #ended(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#events.closed(reason);
  }
}
