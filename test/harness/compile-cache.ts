// What V8 made of the source files, kept between the processes of tests: a node that is started over and over does not compile
// all of them each time, which is most of what its start takes.

import { fileURLToPath } from "node:url";

/** For the environment of a process. What changed since is compiled anew. */
export const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../node_modules/.cache/pachyderm-compiled", import.meta.url)),
} as const;
