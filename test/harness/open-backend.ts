// A backend that a test has started, and must end.

import type { Backend } from "../../src/laws/backend.ts";

export interface Ends {
  /** Lets go of what was started for it. */
  close(): Promise<void>;
}

export interface OpenBackend extends Backend, Ends {}
