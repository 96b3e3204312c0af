// One connection that both sides trust, whichever of them made it: gathers what is said in one turn of the loop into
// frames, and knows when the other side was last heard of.

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Clock } from "../ports/clock.ts";
import {
  BYTES_OF_CHARACTER,
  FRAME_ROUND,
  frameOf,
  type Item,
  SIGN_OF_LIFE,
  textOf,
  unpack,
} from "./frame.ts";

export interface ConnectionLimits {
  /** Bytes of one frame. */
  readonly maxFrameBytes: number;
  /** Bytes that may wait to be sent. */
  readonly maxWaitingBytes: number;
}

export interface ConnectionEvents {
  /** @param bytes of all of them together */
  heard(items: readonly Item[], bytes: number): void;
  /** Once, however it ended. `broken`: not by the word of one of the sides. */
  closed(reason: string, broken: boolean): void;
  /** How many questions wait for their answers now, beside those of a frame that has so many items. */
  others(items: number): number;
}

interface Frame {
  readonly items: readonly Item[];
  readonly bytes: number;
}

/** What is gathered into one frame, in characters: a larger one would hold up the signs of life behind it. */
const FRAME_CHARACTERS = 64 * 1024;

/**
 * What is asked together is answered together, and asked anew together, so that the two nodes and Redis would wait for each
 * other by turns. So items that are (nearly) all there are go in two frames, if they are so many; and of two frames of so many that come
 * together the second is heard a turn later. So they come apart, and stay apart: while one half is with Redis, the other is at work here.
 * Where others are on the way already there is no need, and smaller frames only cost.
 */
const HALVED = 48;
const LARGE = HALVED / 2;
/** Items to each question that waits beside them. */
const NEARLY_ALL = 3;

export class Connection {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  readonly #events: ConnectionEvents;
  /** What is gathered must not be more than a frame, in whatever letters. */
  readonly #gather: number;
  #queue: string[] = [];
  /** Characters in the queue. */
  #queued = 0;
  #flushing = false;
  /** A large frame was heard in this turn of the loop. */
  #isFull = false;
  /** One that came behind it: it is heard in the next turn, or before whatever comes behind it. */
  #behind: Frame | null = null;
  #closed = false;
  /** Monotonic ms. */
  #heardAt: number;
  #spokeAt: number;

  /** @param bytes what the socket reads from: a large frame is a sign of life long before its end */
  constructor(
    socket: WebSocket,
    bytes: Duplex,
    clock: Clock,
    limits: ConnectionLimits,
    events: ConnectionEvents,
  ) {
    this.#socket = socket;
    this.#clock = clock;
    this.#limits = limits;
    this.#events = events;
    const most = Math.floor(limits.maxFrameBytes / BYTES_OF_CHARACTER) - FRAME_ROUND;
    this.#gather = Math.min(FRAME_CHARACTERS, most);
    this.#heardAt = clock.monotonicMs();
    this.#spokeAt = this.#heardAt;
    socket.binaryType = "nodebuffer";
    bytes.on("data", () => {
      this.#heardAt = this.#clock.monotonicMs();
    });
    socket.on("message", (data, isBinary) => this.#message(data as Buffer, isBinary));
    socket.on("close", (code, reason) =>
      this.#ended(`closed (${code}${reason.length > 0 ? `: ${reason}` : ""})`, code === ABNORMAL),
    );
    socket.on("error", (error) => this.terminate(error.message));
  }

  /** Monotonic ms. Of one that is not listened to, nothing can be said. */
  get heardAt(): number {
    return this.#socket.isPaused ? this.#clock.monotonicMs() : this.#heardAt;
  }

  /** Bytes that wait, about. */
  get waitingBytes(): number {
    return this.#socket.bufferedAmount + this.#queued;
  }

  /** What became of it: gone with the next frame, or why not. */
  say(item: Item): "said" | "full" | "too-large" {
    const text = textOf(item);
    const size = text.length + FRAME_ROUND;
    const { maxFrameBytes, maxWaitingBytes } = this.#limits;
    // Bytes are counted only where the cheap bound leaves a doubt.
    const isDoubtful = (size + FRAME_ROUND) * BYTES_OF_CHARACTER > maxFrameBytes;
    if (isDoubtful && Buffer.byteLength(text) + 2 * FRAME_ROUND > maxFrameBytes) return "too-large";
    if (this.waitingBytes + size > maxWaitingBytes) return "full";
    if (this.#queued + size > this.#gather) this.#flush();
    this.#queue.push(text);
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

  /** This process was held up for so long, and has not listened either. */
  excuse(ms: number): void {
    this.#heardAt += ms;
  }

  get isPaused(): boolean {
    return this.#socket.isPaused;
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
    this.resume(); // or its good-bye is never read
    this.#socket.close(1000, reason);
  }

  /** Ends it with a good-bye that the other side answers; at once if it does not within `ms`. Resolves when it has ended. */
  leave(reason: string, ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.terminate(reason), ms);
    timer.unref(); // the socket itself holds the process
    this.#socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    this.close(reason);
    return promise;
  }

  /** Ends it at once. */
  terminate(reason: string): void {
    this.#socket.terminate();
    this.#ended(reason, true);
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#queue.length === 0) return;
    const texts = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    if (!this.#isToBeHalved(texts.length)) {
      this.#send(frameOf(texts));
      return;
    }
    const half = texts.length >> 1;
    this.#send(frameOf(texts.slice(0, half)));
    this.#send(frameOf(texts.slice(half)));
  }

  #isToBeHalved(items: number): boolean {
    return items >= HALVED && items >= NEARLY_ALL * this.#events.others(items);
  }

  #send(frame: string): void {
    if (this.#closed || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#spokeAt = this.#clock.monotonicMs();
    this.#socket.send(frame);
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.#closed) return;
    let items: readonly Item[];
    try {
      if (isBinary) throw new Error("frames are text");
      items = unpack(data);
    } catch {
      this.terminate("what came is no frame");
      return;
    }
    if (items.length > 0) this.#hear({ items, bytes: data.length });
  }

  /** In order, each once; at most one waits, and not longer than what is read in this turn. */
  #hear(frame: Frame): void {
    this.#hearBehind();
    if (frame.items.length >= LARGE) {
      if (this.#isFull) {
        this.#behind = frame;
        return;
      }
      this.#isFull = true;
      setImmediate(() => {
        this.#isFull = false;
        this.#hearBehind();
      });
    }
    this.#events.heard(frame.items, frame.bytes);
  }

  #hearBehind(): void {
    if (this.#behind === null) return;
    const { items, bytes } = this.#behind;
    this.#behind = null;
    this.#events.heard(items, bytes);
  }

  #ended(reason: string, broken: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hearBehind();
    this.#events.closed(reason, broken);
  }
}

/** The code of RFC 6455 for an end without a word. */
const ABNORMAL = 1006;
