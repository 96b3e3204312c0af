// ./scripts/cluster as a person uses it: the lines that it prints work when they are pasted, a dead node is told, Ctrl-C
// leaves nothing behind. (What the shell script does before this program is the same for ./scripts/demo.)

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ConsoleProgram, isRunning } from "../harness/console-program.ts";
import { until } from "../harness/until.ts";

const program = fileURLToPath(new URL("../../scripts/nodes/main.ts", import.meta.url));

/** Without what the person who runs the tests has set, a colour for instance. */
function cluster(...args: readonly string[]): ConsoleProgram {
  const { FORCE_COLOR: _, PACHYDERM_REDIS_URL: __, ...env } = process.env;
  return new ConsoleProgram(process.execPath, [program, ...args], { ...env, NO_COLOR: "1" });
}

async function paste(line: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)("bash", ["-c", line]);
  return JSON.parse(stdout);
}

function pidsOf(started: ReadonlyMap<number, string>, text: string): readonly number[] {
  return [...started].filter(([, args]) => args.includes(text)).map(([pid]) => pid);
}

test("three nodes: the printed lines work, a node that dies is told, Ctrl-C stops all", async () => {
  const running = cluster();
  await running.prints("Ctrl-C stops all.");
  const lines = running.output.split("\n").filter((line) => line.startsWith("  curl "));
  expect(lines).toHaveLength(3);
  const [send = "", get = "", locate = ""] = lines;
  expect(await paste(send)).toMatchObject({ state: { count: 1 }, version: 1 });
  expect(await paste(send)).toMatchObject({ state: { count: 2 }, version: 2 });
  expect(await paste(get)).toMatchObject({ state: { count: 2 }, version: 2 });
  const addresses = [...running.output.matchAll(/^ {2}node\d +http:\/\/(.*)$/gm)].map(([, at]) => at);
  expect(await paste(locate)).toMatchObject({
    partition: expect.any(Number),
    nodes: expect.arrayContaining(addresses.map((http) => expect.objectContaining({ http }))),
  });
  expect(addresses).toHaveLength(3);

  const started = await running.started();
  const nodes = pidsOf(started, "cluster/main.ts").filter((pid) => isRunning(pid));
  expect(nodes).toHaveLength(3);
  expect(pidsOf(started, "redis-server")).not.toHaveLength(0);
  process.kill(nodes[1] ?? 0, "SIGKILL");
  await running.prints("node2 has died (SIGKILL): the others go on without it");
  expect(await paste(send)).toMatchObject({ state: { count: 3 } });

  running.pressCtrlC();
  expect(await running.ended()).toBe(0);
  expect(running.output.match(/the node has stopped/g)).toHaveLength(2);
  await until("nothing that it started runs", () => ![...started.keys()].some(isRunning));
});

test("killed itself, it leaves nothing behind either", async () => {
  const running = cluster("1");
  await running.prints("Ctrl-C stops all.");
  const started = await running.started();
  expect(pidsOf(started, "cluster/main.ts")).toHaveLength(1);
  running.kill();
  expect(await running.ended()).toBeNull();
  await until("nothing that it started runs", () => ![...started.keys()].some(isRunning));
});

test("a number of nodes that cannot be is told", async () => {
  const wrong = [cluster("0"), cluster("21"), cluster("1", "2")];
  for (const running of wrong) {
    expect(await running.ended()).toBe(2);
    expect(running.output).toContain("number of nodes, 1 to 20");
  }
});
