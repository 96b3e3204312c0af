// The entrance `pachyderm/http`: a node's HTTP door, its metrics and its log.

export type { Board } from "./board.ts";
export type { HttpLimits } from "./limits.ts";
export { jsonLog } from "./log.ts";
export { Metrics } from "./metrics.ts";
export { type HttpDoor, type HttpOptions, openHttp } from "./open.ts";
