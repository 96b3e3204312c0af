// Where Redis is, from the environment.

import type { StartOptions } from "../settings.ts";
import { addressOf, invalidVariable, type Variables } from "./variables.ts";

export function redisOf(variables: Variables): NonNullable<StartOptions["redis"]> {
  const urls = variables.list("PACHYDERM_REDIS_URL");
  for (const url of urls) {
    if (!/^rediss?:\/\/./.test(url) || !URL.canParse(url))
      throw invalidVariable(
        "PACHYDERM_REDIS_URL",
        "is a URL such as redis://127.0.0.1:6379, or rediss:// for TLS",
      );
  }
  const name = variables.optional("PACHYDERM_REDIS_MASTER");
  if (!variables.isSet("PACHYDERM_REDIS_SENTINELS")) {
    if (name === null) return urls.join(",");
    throw invalidVariable("PACHYDERM_REDIS_MASTER", "is for Sentinels: set PACHYDERM_REDIS_SENTINELS too");
  }
  if (name === null)
    throw invalidVariable("PACHYDERM_REDIS_MASTER", "must be set where PACHYDERM_REDIS_SENTINELS is");
  const sentinels = variables.list("PACHYDERM_REDIS_SENTINELS").map((item) => {
    const { host, port } = addressOf("PACHYDERM_REDIS_SENTINELS", item);
    return { host, port };
  });
  return { sentinels, name, ...(variables.isSet("PACHYDERM_REDIS_URL") ? credentialsOf(urls) : {}) };
}

/** The Sentinels tell where the master is; how to be let in there they do not. */
function credentialsOf(urls: readonly string[]) {
  const [first = "", ...others] = urls;
  if (others.length > 0)
    throw invalidVariable("PACHYDERM_REDIS_URL", "is one URL where PACHYDERM_REDIS_SENTINELS is set");
  const { protocol, username, password, pathname } = new URL(first);
  const database = /^\/([0-9]{1,4})$/.exec(pathname)?.[1];
  return {
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
    ...(database === undefined ? {} : { db: Number(database) }),
    ...(protocol === "rediss:" ? { tls: {} } : {}),
  };
}
