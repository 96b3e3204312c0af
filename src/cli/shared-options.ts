// Options that commands share, and the variable of the environment that each of them stands for.

import { PachydermError } from "../core/errors.ts";
import type { VariableName } from "../node/environment/table.ts";
import type { Reach } from "./command.ts";

interface SharedOption {
  readonly flags: string;
  /** As commander calls it. */
  readonly name: string;
  readonly variable: VariableName;
  readonly meaning: string;
}

const redis: readonly SharedOption[] = [
  {
    flags: "--redis <url>",
    name: "redis",
    variable: "PACHYDERM_REDIS_URL",
    meaning: "where Redis is; several, comma-separated: a Redis Cluster",
  },
];

const network: readonly SharedOption[] = [
  ...redis,
  {
    flags: "--network <name>",
    name: "network",
    variable: "PACHYDERM_NETWORK",
    meaning: "the network (main)",
  },
  {
    flags: "--secret <secret>",
    name: "secret",
    variable: "PACHYDERM_SECRET",
    meaning: "what the nodes of the network know; in the environment it is not seen by others",
  },
];

const nodes: readonly SharedOption[] = [
  ...network,
  {
    flags: "--url <url>",
    name: "url",
    variable: "PACHYDERM_URL",
    meaning: "over HTTP, by the door of one node; then neither Redis nor the secret is needed",
  },
  {
    flags: "--token <token>",
    name: "token",
    variable: "PACHYDERM_HTTP_TOKEN",
    meaning: "bearer token of the HTTP door; in the environment it is not seen by others",
  },
];

const node: readonly SharedOption[] = [
  {
    flags: "--entities <module>",
    name: "entities",
    variable: "PACHYDERM_ENTITIES",
    meaning: "module whose exports made by defineEntity and defineEffect are hosted",
  },
  ...network,
  {
    flags: "--partitions <number>",
    name: "partitions",
    variable: "PACHYDERM_PARTITIONS",
    meaning: "partitions of the network, fixed when it is made (32)",
  },
  ...addresses(),
  {
    flags: "--http-token <token>",
    name: "httpToken",
    variable: "PACHYDERM_HTTP_TOKEN",
    meaning: "bearer token of the HTTP door; in the environment it is not seen by others",
  },
  {
    flags: "--log-level <level>",
    name: "logLevel",
    variable: "PACHYDERM_LOG_LEVEL",
    meaning: "trace, debug, info, warn, error, fatal or silent (info)",
  },
];

function addresses(): readonly SharedOption[] {
  const option = (flags: string, name: string, variable: VariableName, meaning: string) => ({
    flags,
    name,
    variable,
    meaning,
  });
  return [
    option("--host <address>", "host", "PACHYDERM_HOST", "address for frames of other nodes (127.0.0.1)"),
    option("--port <port>", "port", "PACHYDERM_PORT", "port for frames of other nodes; 0: any (7946)"),
    option("--advertise <address>", "advertise", "PACHYDERM_ADVERTISE", "host:port at which others reach it"),
    option(
      "--http-host <address>",
      "httpHost",
      "PACHYDERM_HTTP_HOST",
      "address of the HTTP door (127.0.0.1)",
    ),
    option("--http-port <port>", "httpPort", "PACHYDERM_HTTP_PORT", "port of the HTTP door; 0: any (8080)"),
  ];
}

export const sharedOptions: Readonly<Record<Reach, readonly SharedOption[]>> = { redis, nodes, node };

type Given = Readonly<Record<string, unknown>>;

/** What the options say in place of variables. An empty one counts as not set. */
export function variablesOf(options: readonly SharedOption[], given: Given): Record<string, string> {
  const said = options.flatMap(({ name, variable }) => {
    const value = given[name];
    return typeof value === "string" ? [[variable, value] as const] : [];
  });
  const variables: Record<string, string> = Object.fromEntries(said);
  // Who names a Redis means that one, whatever Sentinels and doors the environment knows.
  if ("PACHYDERM_REDIS_URL" in variables) {
    variables["PACHYDERM_REDIS_SENTINELS"] = "";
    variables["PACHYDERM_REDIS_MASTER"] = "";
    variables["PACHYDERM_URL"] ??= "";
  }
  return variables;
}

/** What is wrong with a variable, told of the option that stood for it: its user may not know the variable. */
export function namedAsGiven(thrown: unknown, options: readonly SharedOption[], given: Given): unknown {
  if (!(thrown instanceof PachydermError)) return thrown;
  const { code, message, outcome, detail, cause } = thrown;
  const option = options.find(
    ({ name, variable }) => typeof given[name] === "string" && isOf(detail, variable),
  );
  if (option === undefined) return thrown;
  const [flag = ""] = option.flags.split(" ");
  return new PachydermError(code, message.replaceAll(option.variable, flag), { outcome, detail, cause });
}

function isOf(detail: unknown, variable: VariableName): boolean {
  return (
    typeof detail === "object" && detail !== null && "variable" in detail && detail.variable === variable
  );
}
