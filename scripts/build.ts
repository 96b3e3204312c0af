// From src/ to dist/: what tsc makes of it, and the Lua files, which tsc does not know.

import { spawnSync } from "node:child_process";
import { cp, glob, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = fileURLToPath(new URL("../node_modules/.bin/tsc", import.meta.url));
/** Tells scripts/setup that this build is whole, and since when. */
const stamp = join(root, "node_modules/.cache/pachyderm-build");

await rm(stamp, { force: true });
await rm(join(root, "dist"), { recursive: true, force: true }); // what was renamed must not stay in the package
const { status, error } = spawnSync(tsc, ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
if (error !== undefined) throw error;
if (status === 0) {
  for await (const file of glob("**/*.lua", { cwd: join(root, "src") })) {
    await cp(join(root, "src", file), join(root, "dist", file));
  }
  await mkdir(dirname(stamp), { recursive: true });
  await writeFile(stamp, "");
}
process.exitCode = status ?? 1;
