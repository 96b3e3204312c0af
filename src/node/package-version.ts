// The version of this package, as the other nodes are told it.

import { readFileSync } from "node:fs";

/** From package.json, which stands above src/ and dist/ alike. */
export const packageVersion: string = versionIn(new URL("../../package.json", import.meta.url));

function versionIn(file: URL): string {
  const manifest = JSON.parse(readFileSync(file, "utf8")) as { readonly version?: unknown };
  return String(manifest.version);
}
