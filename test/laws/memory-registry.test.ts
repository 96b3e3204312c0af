// Membership and leases in memory keep their laws.

import { describe } from "vitest";
import { leasesLaws } from "../../src/laws/leases.ts";
import { membershipLaws } from "../../src/laws/membership.ts";
import { memoryLeases, memoryMembership } from "../harness/registry-backends.ts";
import { runLaws } from "./run.ts";

describe("membership", () => runLaws(membershipLaws, memoryMembership()));
describe("leases", () => runLaws(leasesLaws, memoryLeases()));
