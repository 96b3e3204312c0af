// docker-compose.yml as a whole: built, healthy, the same entity from every node, one that ends comes back, a fourth joins.
// Building takes a minute and the ports 8081 to 8084: only in the long form (npm run test:docker).

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DockerComposeEnvironment, Wait } from "testcontainers";
import { expect, test } from "vitest";
import { newId } from "../../src/index.ts";
import { root } from "../architecture/source.ts";
import { isLong } from "../harness/rounds.ts";
import { until } from "../harness/until.ts";
import { skipFor, whyNoDocker } from "./docker.ts";

const reason = isLong ? await whyNoDocker() : "only in the long form, npm run test:docker";
const project = `pachyderm-test-${newId().slice(-6)}`;

/** Compose is a part of `docker` by now; where it is a program of its own, `docker-compose` and its underscores. */
async function isStandalone(): Promise<boolean> {
  return await promisify(execFile)("docker", ["compose", "version"]).then(
    () => false,
    () => true,
  );
}

async function ask(node: number, path: string, message?: unknown): Promise<Record<string, unknown>> {
  const post = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(message),
  };
  const response = await fetch(`http://127.0.0.1:${8080 + node}${path}`, message === undefined ? {} : post);
  const text = await response.text();
  if (!response.ok) throw new Error(`node${node} answered ${response.status}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

async function nodesOf(node: number) {
  const { nodes } = await ask(node, "/cluster");
  return nodes as readonly { readonly id: string; readonly address: string }[];
}

async function addressesFrom(node: number): Promise<readonly string[]> {
  return (await nodesOf(node)).map(({ address }) => address).sort();
}

async function idOf(address: string): Promise<string | undefined> {
  return (await nodesOf(1)).findLast((node) => node.address === address)?.id;
}

const all = ["node1:7946", "node2:7946", "node3:7946"];

test("three nodes and a Redis from one file", async (context) => {
  skipFor(reason, context);
  const standalone = await isStandalone();
  const compose = new DockerComposeEnvironment(root, "docker-compose.yml")
    .withProjectName(project)
    .withClientOptions(standalone ? { executable: { standalone, executablePath: "docker-compose" } } : {})
    .withBuild()
    .withProfiles("four")
    .withDefaultWaitStrategy(Wait.forHealthCheck())
    .withStartupTimeout(300_000);
  const environment = await compose.up();
  const container = (service: string) =>
    environment.getContainer(standalone ? `${project}_${service}_1` : `${service}-1`);
  try {
    await until("four nodes know each other", async () => (await addressesFrom(1)).length === 4);
    const path = `/entities/counter/${newId()}`;
    for (const node of [1, 2, 3, 4]) await ask(node, path, { type: "increment" });
    expect(await ask(3, path)).toMatchObject({ state: { count: 4 }, version: 4 });

    const node4 = container("node4");
    await node4.stop({ remove: false }); // docker stop: SIGTERM, then the end of patience
    await until("the fourth has left", async () => (await addressesFrom(1)).length === 3);

    // SIGTERM reaches node, which is the container's first process, and the restart policy brings it back.
    const node2 = container("node2");
    const before = await idOf("node2:7946");
    await node2.exec(["sh", "-c", "kill -TERM 1"]);
    for (let i = 0; i < 20; i++) await ask(1 + 2 * (i % 2), path, { type: "increment" });
    await until(
      "the second is there again, as another",
      async () => ![undefined, before].includes(await idOf("node2:7946")),
      60_000,
    );
    await until("its door is open too", async () => (await ask(2, "/readyz"))["status"] === "ready");
    expect(await addressesFrom(3)).toEqual(all);
    expect(await ask(2, path)).toMatchObject({ state: { count: 24 } });
    expect((await node2.exec(["id", "-u"])).output.trim()).toBe("1000");
  } finally {
    await environment.down({ removeVolumes: true });
  }
}, 600_000);
