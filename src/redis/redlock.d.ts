// What of the package `redlock` is used here. Its own declarations are not reached through its `exports`, and want
// clients of an ioredis of their own. A test holds the package to these.

declare module "redlock" {
  /** What Redlock asks of a client; any error that it throws is a vote against. */
  export interface RedlockClient {
    evalsha(sha: string, keys: number, parts: readonly (string | number)[]): Promise<unknown>;
    eval(script: string, keys: number, parts: readonly (string | number)[]): Promise<unknown>;
  }

  export interface RedlockSettings {
    readonly driftFactor: number;
    readonly retryCount: number;
    readonly retryDelay: number;
    readonly retryJitter: number;
  }

  /** A claim: known by its keys and its value, which nobody else has. */
  export class Lock {
    constructor(
      redlock: Redlock,
      resources: readonly string[],
      value: string,
      attempts: readonly never[],
      /** By Date.now(): an extension of a lock after this is refused without asking. */
      expiration: number,
    );
    readonly value: string;
  }

  /** There was no quorum. */
  export class ExecutionError extends Error {}

  export default class Redlock {
    constructor(clients: Iterable<RedlockClient>, settings: RedlockSettings);
    acquire(resources: readonly string[], durationMs: number): Promise<Lock>;
    extend(lock: Lock, durationMs: number): Promise<Lock>;
    release(lock: Lock): Promise<unknown>;
  }
}
