// Chooses how the nodes are reached: by the HTTP door of one of them where its address is given, else over Redis.

import { usage } from "./failure.ts";
import type { Remote } from "./remote.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** @param given the options of the command line: with a door, some of them make no sense */
export async function openRemote(
  variables: Variables,
  given: Readonly<Record<string, unknown>>,
): Promise<Remote> {
  const url = variables["PACHYDERM_URL"] ?? "";
  if (url === "") {
    const { openNetwork } = await import("./remote/network.ts"); // only here: a node is most of the package
    return await openNetwork(variables, String(given["entities"] ?? ""));
  }
  for (const name of ["redis", "network", "secret", "entities"])
    if (name in given) throw usage(`--${name} says nothing to an HTTP door: give it, or --url`);
  const { openDoor } = await import("./remote/http.ts");
  return openDoor(url, variables["PACHYDERM_HTTP_TOKEN"] ?? "");
}
