// Every environment variable of a node program, with its default. docs/operations.md has the same table, held by a test.

import { leaseMsRange } from "../cluster-options.ts";

export interface Variable {
  /** As it would be set; null: none. */
  readonly fallback: string | null;
  readonly meaning: string;
}

export const environmentTable = {
  PACHYDERM_REDIS_URL: variable(
    "redis://127.0.0.1:6379",
    "where Redis is; several, comma-separated: a Redis Cluster; `rediss://` for TLS",
  ),
  PACHYDERM_REDIS_SENTINELS: variable(
    null,
    "Sentinels that know the master, `host:port`, comma-separated; of the URL, where one is set too, only user, password, database and TLS are taken",
  ),
  PACHYDERM_REDIS_MASTER: variable(null, "the name under which the Sentinels know the master"),
  PACHYDERM_NETWORK: variable("main", "the namespace of all keys: 1 to 40 of a-z, 0-9 and -"),
  PACHYDERM_PARTITIONS: variable(
    "32",
    "partitions of the network, 1 to 1,024; fixed when the network is made",
  ),
  PACHYDERM_HOST: variable("127.0.0.1", "address on which frames from other nodes are taken"),
  PACHYDERM_PORT: variable("7946", "port for frames from other nodes; 0: the system chooses"),
  PACHYDERM_ADVERTISE: variable(
    null,
    "`host:port` at which other nodes reach this one; needed where the host is 0.0.0.0 or ::",
  ),
  PACHYDERM_HTTP_HOST: variable("127.0.0.1", "address of the HTTP door"),
  PACHYDERM_HTTP_PORT: variable("8080", "port of the HTTP door; 0: the system chooses"),
  PACHYDERM_HTTP_TOKEN: variable(
    null,
    "bearer token of the HTTP door; two, comma-separated, while it is being changed; none: everybody who reaches it may come in",
  ),
  PACHYDERM_SECRET: variable(
    null,
    "what the nodes of the network know and nobody else; two, comma-separated, while it is being changed",
  ),
  PACHYDERM_TLS_CERT: variable(
    null,
    "file of this node's certificate, PEM: with it nodes speak TLS to each other",
  ),
  PACHYDERM_TLS_KEY: variable(null, "file of its key, PEM"),
  PACHYDERM_TLS_CA: variable(null, "file of the authority that signed the certificates of all nodes, PEM"),
  PACHYDERM_LEASE_MS: variable(
    `${leaseMsRange.fallback}`,
    "milliseconds that a claim on a partition holds when its node is gone",
  ),
  PACHYDERM_ENTITIES: variable(
    null,
    "path or `file:` URL of a module: what it exports of `defineEntity` and `defineEffect` is hosted",
  ),
  PACHYDERM_URL: variable(
    null,
    "of the command line alone: the HTTP door of a node, such as `http://127.0.0.1:8080`, to reach the nodes by",
  ),
  PACHYDERM_LOG_LEVEL: variable("info", "`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`"),
} as const satisfies Readonly<Record<string, Variable>>;

export type VariableName = keyof typeof environmentTable;

function variable(fallback: string | null, meaning: string): Variable {
  return { fallback, meaning };
}
