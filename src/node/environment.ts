// The one reader of the environment: from variables to what a node and its HTTP door are started with.

import type { ClusterOptions } from "./cluster-options.ts";
import { clusterOf } from "./environment/cluster.ts";
import { importDefinitions } from "./environment/definitions.ts";
import { redisOf } from "./environment/redis.ts";
import { environmentTable } from "./environment/table.ts";
import { invalidVariable, Variables } from "./environment/variables.ts";
import type { StartOptions } from "./settings.ts";

/** What the environment asks for. */
export interface Environment {
  /** For `Pachyderm.start`. Entities and effects are in it only where PACHYDERM_ENTITIES names a module. */
  readonly start: StartOptions;
  /** For `openHttp`. */
  readonly http: { readonly host: string; readonly port: number; readonly token: readonly string[] };
  /** For `jsonLog`. */
  readonly logLevel: string;
  /** What should not be as it is, in sentences. None of them tells a value. */
  readonly warnings: readonly string[];
}

type Given = Readonly<Record<string, string | undefined>>;

/** What docker-compose.yml gives where nobody has set a secret: known to everybody. */
const DEVELOPMENT_SECRET = "development-secret";
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** The process's own environment, with others in place of some of its variables; one that is empty counts as not set. */
export function readVariables(instead: Given): Given {
  return { ...process.env, ...instead };
}

/**
 * Reads the variables of docs/operations.md. One that is empty counts as not set.
 *
 * @param given instead of the process's own environment
 * @throws PachydermError INVALID_OPTIONS, which names the variable and never tells its value
 */
export async function readEnvironment(given: Given = readVariables({})): Promise<Environment> {
  const variables = new Variables(given);
  const http = {
    host: variables.text("PACHYDERM_HTTP_HOST"),
    port: variables.whole("PACHYDERM_HTTP_PORT", 0, 65_535),
    token: tokensOf(variables),
  };
  const cluster = await clusterOf(variables, http);
  const module = variables.optional("PACHYDERM_ENTITIES");
  return {
    start: {
      redis: redisOf(variables),
      network: networkOf(variables),
      partitions: variables.whole("PACHYDERM_PARTITIONS", 1, 1_024),
      cluster,
      ...(module === null ? {} : await importDefinitions(module)),
    },
    http,
    logLevel: levelOf(variables),
    warnings: warningsOf(given, cluster),
  };
}

function networkOf(variables: Variables): string {
  const network = variables.text("PACHYDERM_NETWORK");
  if (/^[a-z0-9-]{1,40}$/.test(network)) return network;
  throw invalidVariable("PACHYDERM_NETWORK", "is 1 to 40 of the characters a-z, 0-9 and -");
}

function tokensOf(variables: Variables): readonly string[] {
  const tokens = variables.list("PACHYDERM_HTTP_TOKEN");
  if (tokens.every((token) => /^[A-Za-z0-9._~+/-]+=*$/.test(token))) return tokens;
  throw invalidVariable(
    "PACHYDERM_HTTP_TOKEN",
    "is text of letters, digits and ._~+/-, perhaps with = at its end",
  );
}

function levelOf(variables: Variables): string {
  const level = variables.text("PACHYDERM_LOG_LEVEL");
  if (LEVELS.includes(level)) return level;
  throw invalidVariable("PACHYDERM_LOG_LEVEL", `is one of ${LEVELS.join(", ")}`);
}

/** A name that is not known is no error: Kubernetes makes some of its own for a service that is called pachyderm. */
function warningsOf(given: Given, { secret = [] }: ClusterOptions): readonly string[] {
  const unknown = Object.keys(given).filter(
    (name) => name.startsWith("PACHYDERM_") && !Object.hasOwn(environmentTable, name),
  );
  return [
    ...(secret.includes(DEVELOPMENT_SECRET)
      ? ["PACHYDERM_SECRET is the development default, which everybody knows: set one of your own"]
      : []),
    ...(unknown.length === 0 ? [] : [`these variables mean nothing here: ${unknown.sort().join(", ")}`]),
  ];
}
