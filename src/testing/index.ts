// The entrance `pachyderm/testing`: entities tested as the pure functions that they are, in any test runner.

export type { Expectation } from "./expectation.ts";
export { type Given, given, type When } from "./given.ts";
