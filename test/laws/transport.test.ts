// Lines between nodes keep their laws: in memory, and on the wire.

import { describe } from "vitest";
import { transportLaws } from "../../src/laws/transport.ts";
import { memoryTransports, wireTransports } from "../harness/transport-backends.ts";
import { runLaws } from "./run.ts";

describe("memory", () => runLaws(transportLaws, memoryTransports()));
describe("wire", () => runLaws(transportLaws, wireTransports("wire", { secrets: ["a-secret"] })));
