// What the embedded log says of durability keeps the laws that it can keep.

import { durabilityLaws } from "../../src/laws/durability.ts";
import { memoryDurability } from "../harness/durability-backends.ts";
import { runLaws } from "./run.ts";

runLaws(durabilityLaws, memoryDurability());
