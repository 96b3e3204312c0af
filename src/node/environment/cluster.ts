// What a node tells the others and how they trust each other, from the environment.

import { readFile } from "node:fs/promises";
import { type ClusterOptions, leaseMsRange, SHORTEST_SECRET } from "../cluster-options.ts";
import { bracketed, isWildcard } from "../host.ts";
import type { VariableName } from "./table.ts";
import { addressOf, invalidVariable, type Variables } from "./variables.ts";

export async function clusterOf(variables: Variables, http: HttpPlace): Promise<ClusterOptions> {
  const host = variables.text("PACHYDERM_HOST");
  const advertise = variables.optional("PACHYDERM_ADVERTISE");
  if (advertise === null && isWildcard(host))
    throw invalidVariable(
      "PACHYDERM_ADVERTISE",
      `must be set where PACHYDERM_HOST is ${host}: nobody can be reached there`,
    );
  const reached = advertise === null ? host : addressOf("PACHYDERM_ADVERTISE", advertise).host;
  const secret = secretOf(variables);
  const tls = await tlsOf(variables);
  return {
    host,
    port: variables.whole("PACHYDERM_PORT", 0, 65_535),
    leaseMs: variables.whole("PACHYDERM_LEASE_MS", leaseMsRange.least, leaseMsRange.most),
    ...(advertise === null ? {} : { advertise }),
    ...(secret.length === 0 ? {} : { secret }),
    ...(tls === null ? {} : { tls }),
    // A port that the system chooses is not known before the door is open, which tells it then (http/open.ts).
    ...(http.port === 0
      ? {}
      : { http: `${bracketed(isWildcard(http.host) ? reached : http.host)}:${http.port}` }),
  };
}

function secretOf(variables: Variables): readonly string[] {
  const secrets = variables.list("PACHYDERM_SECRET");
  if (secrets.length <= 2 && secrets.every((text) => text.length >= SHORTEST_SECRET)) return secrets;
  throw invalidVariable(
    "PACHYDERM_SECRET",
    `is one text of ${SHORTEST_SECRET} characters or more, or two, comma-separated, while it is being changed`,
  );
}

const PEMS = { cert: "PACHYDERM_TLS_CERT", key: "PACHYDERM_TLS_KEY", ca: "PACHYDERM_TLS_CA" } as const;

async function tlsOf(variables: Variables): Promise<NonNullable<ClusterOptions["tls"]> | null> {
  const names = Object.values(PEMS);
  if (!names.some((name) => variables.isSet(name))) return null;
  const missing = names.find((name) => !variables.isSet(name));
  if (missing !== undefined) throw invalidVariable(missing, `must be set too: TLS needs ${names.join(", ")}`);
  // One after the other, so that of several that are wrong the first one is named, and always the same.
  const cert = await pemOf(variables, PEMS.cert);
  const key = await pemOf(variables, PEMS.key);
  const ca = await pemOf(variables, PEMS.ca);
  return { cert, key, ca };
}

async function pemOf(variables: Variables, name: VariableName): Promise<string> {
  let text: string;
  try {
    text = await readFile(variables.text(name), "utf8");
  } catch (thrown) {
    // Only the code: the message has the path, and who puts the key itself here would find it in a log.
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "no reason given";
    throw invalidVariable(name, `names a file that cannot be read (${code})`);
  }
  if (text.includes("-----BEGIN ")) return text;
  throw invalidVariable(name, "names a file that is not PEM");
}

/** Where this node's own HTTP door is to be. */
interface HttpPlace {
  readonly host: string;
  readonly port: number;
}
