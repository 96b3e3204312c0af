// The Redis of docker-compose.yml, in a container: `start` finds nothing to say against it, and a node works on it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { GenericContainer, Wait } from "testcontainers";
import { expect, test } from "vitest";
import { newId, Pachyderm } from "../../src/index.ts";
import { root } from "../architecture/source.ts";
import { box } from "../harness/http-node.ts";
import { skipFor, whyNoDocker } from "./docker.ts";

const reason = await whyNoDocker();

/** What docker-compose.yml starts as its Redis: image and command. */
function redisOfCompose(): { readonly image: string; readonly command: readonly string[] } {
  const [, image = "", command = ""] =
    /^ {2}redis:\n {4}image: (\S+)\n[\s\S]*? {4}command: >-\n([\s\S]*?)\n {4}\w/m.exec(
      readFileSync(join(root, "docker-compose.yml"), "utf8"),
    ) ?? [];
  return { image, command: command.trim().split(/\s+/) };
}

test("the Redis of docker-compose.yml is as a node wants it", async (context) => {
  skipFor(reason, context);
  const { image, command } = redisOfCompose();
  expect(command[0]).toBe("redis-server");
  const container = await new GenericContainer(image)
    .withCommand([...command])
    .withTmpFs({ "/data": "rw" })
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  try {
    const redis = `redis://${container.getHost()}:${container.getMappedPort(6379)}`;
    const node = await Pachyderm.start({ entities: [box], redis, cluster: { port: 0 } });
    expect(node.warnings).toEqual([]);
    const id = newId();
    await node.send(box.ref(id), { type: "add", by: 2 });
    await node.stop();
    const again = await Pachyderm.start({ entities: [box], redis, cluster: { port: 0 } });
    expect(await again.get(box.ref(id))).toMatchObject({ state: { sum: 2 }, version: 1 });
    await again.stop();
  } finally {
    await container.stop();
  }
}, 120_000);
