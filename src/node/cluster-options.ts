// What a node of a cluster is told besides what every node is.

import { createSecureContext } from "node:tls";
import { PachydermError, reasonOf } from "../core/errors.ts";
import { strayKey } from "../core/known-keys.ts";
import type { RedisInput } from "../redis/connection.ts";

/** How the other nodes reach this one, and how they know each other. Everything may be left out. */
export interface ClusterOptions {
  /** Address that frames from other nodes are taken at. Default 127.0.0.1. */
  readonly host?: string;
  /** Port that frames from other nodes are taken at; 0: the system chooses. Default 7946. */
  readonly port?: number;
  /** `host:port` at which the other nodes reach this one, where that is not `host` and `port`. */
  readonly advertise?: string;
  /** What all nodes of the network know, and nobody else; two while it is being changed. It never travels. */
  readonly secret?: string | readonly string[];
  /** PEM texts: with them nodes speak TLS, and each checks the other's certificate. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
  /** Milliseconds that a claim on a partition holds when its node is gone, 500 to 600,000. Default 5,000. */
  readonly leaseMs?: number;
  /** Independent Redis servers that grant the claims by majority (Redlock); an odd number. Default: `redis` alone. */
  readonly leaseServers?: readonly RedisInput[];
  /** `host:port` of this node's HTTP door, told to whoever asks for the cluster. */
  readonly http?: string;
}

/** With all defaults in. */
export interface ReadClusterOptions {
  readonly host: string;
  readonly port: number;
  readonly advertise: string | undefined;
  readonly secrets: readonly string[];
  readonly tls: ClusterOptions["tls"] | undefined;
  readonly leaseMs: number;
  readonly leaseServers: readonly RedisInput[] | undefined;
  readonly http: string | null;
}

/** Of a lease, in milliseconds; the environment's too. */
export const leaseMsRange = { least: 500, most: 600_000, fallback: 5_000 } as const;

const NAMES = ["host", "port", "advertise", "secret", "tls", "leaseMs", "leaseServers", "http"];
/** Characters. */
export const SHORTEST_SECRET = 8;
const ADDRESS = /^(?:\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/;

/** @throws PachydermError INVALID_OPTIONS */
export function readClusterOptions(given: ClusterOptions): ReadClusterOptions {
  if (typeof given !== "object" || given === null) throw invalid("cluster is an object of options");
  const stray = strayKey(given, NAMES);
  if (stray !== undefined) throw invalid(`cluster: ${stray}`);
  const {
    host = "127.0.0.1",
    port = 7_946,
    advertise,
    secret = [],
    tls,
    leaseMs = leaseMsRange.fallback,
    leaseServers,
    http,
  } = given;
  if (typeof host !== "string" || host === "") throw invalid("cluster.host is an address to listen at");
  checkNumber("port", port, 0, 65_535);
  checkNumber("leaseMs", leaseMs, leaseMsRange.least, leaseMsRange.most);
  if (advertise !== undefined && !ADDRESS.test(advertise)) throw invalid("cluster.advertise is host:port");
  if (http !== undefined && !ADDRESS.test(http)) throw invalid("cluster.http is host:port");
  if (leaseServers !== undefined && (!Array.isArray(leaseServers) || leaseServers.length % 2 === 0))
    throw invalid("cluster.leaseServers are an odd number of Redis servers");
  const secrets: readonly string[] | null =
    typeof secret === "string" ? [secret] : Array.isArray(secret) ? [...secret] : null;
  if (secrets === null) throw invalid("cluster.secret is text, or an array of texts");
  if (secrets.length > 2) throw invalid("cluster.secret is one text, or two while it is being changed");
  if (!secrets.every((text) => typeof text === "string" && text.length >= SHORTEST_SECRET))
    throw invalid(`cluster.secret has at least ${SHORTEST_SECRET} characters`);
  checkTls(tls);
  return { host, port, advertise, secrets, tls, leaseMs, leaseServers, http: http ?? null };
}

/** What is no certificate is known now, and not by each try to reach another node. */
function checkTls(tls: ClusterOptions["tls"] | null): void {
  if (tls === undefined) return;
  const texts = tls === null ? [] : [tls.cert, tls.key, tls.ca];
  if (texts.length === 0 || !texts.every((text) => typeof text === "string" && text !== ""))
    throw invalid("cluster.tls has cert, key and ca, as PEM texts");
  try {
    createSecureContext({ ...tls });
  } catch (thrown) {
    throw invalid(
      `cluster.tls has cert, key and ca, as PEM texts that belong together (${reasonOf(thrown)})`,
    );
  }
}

function checkNumber(name: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return;
  throw invalid(`cluster.${name} is a whole number from ${least} to ${most}`);
}

function invalid(message: string): PachydermError {
  return new PachydermError("INVALID_OPTIONS", message);
}
