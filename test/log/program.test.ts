// A program whose node is embedded has no connection that holds it: it must not end before it is told what it waits for.

import { expect, test } from "vitest";
import { Program } from "../harness/program.ts";

test("a program that waits for what its embedded node commits is told of it", async () => {
  const { code, stdout, stderr } = await new Program("follower", null).ended(15_000);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const followed = [1, 2, 3, 4, 5].map((version) => `followed ${version}`);
  expect(stdout.trimEnd().split("\n")).toEqual([...followed, "handled 1 2 3 4 5"]);
});
