// Power is lost while a commit with jobs is being written to the file: whatever byte was the last, the commit and its jobs
// are both there, or neither.

import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { defineEffect, defineEntity, newId, Pachyderm } from "../../src/index.ts";
import { KeySpace } from "../../src/redis/keys.ts";
import { RedisServer } from "../harness/redis-server.ts";
import { isLong, rounds } from "../harness/rounds.ts";

const NETWORK = "aof";
/** Of the bytes of the commit, so many are tried in the everyday run; all of them in the long one. */
const CUTS = rounds(12, Number.POSITIVE_INFINITY);

const never = defineEffect({ name: "never", durable: {}, dispatch: () => new Promise(() => {}) });
const counter = defineEntity({
  type: "counter",
  init: () => ({ count: 0 }),
  handle: (_message: { type: "up" }) => ({
    events: [{ type: "upped" as const }],
    effects: [never(1), never(2), never(3)],
  }),
  update: (_event: { type: "upped" }, { count }) => ({ count: count + 1 }),
});

test(
  "a file that ends anywhere in a commit: the commit with all its jobs, or nothing of it",
  async () => {
    const server = await RedisServer.start({ config: { appendfsync: "always" } });
    const id = newId();
    const space = new KeySpace(NETWORK, 1);
    const prefix = space.queuePrefix(0);
    const stream = space.stream({ id, partition: 0 });
    const file = (): string => globSync(join(server.folder, "appendonlydir", "*.incr.aof"))[0] ?? "";
    try {
      const node = await Pachyderm.start({
        redis: server.url,
        network: NETWORK,
        partitions: 1,
        entities: [counter],
        effects: [never],
        stopTimeoutMs: 50,
      });
      await node.send(counter.ref(id), { type: "up" });
      await node.stop();
      // Nobody works on the queue now: the bytes from here to the next commit's end are that commit's.
      const before = statSync(file()).size;
      const alone = await Pachyderm.start({
        redis: server.url,
        network: NETWORK,
        partitions: 1,
        entities: [counter],
        effects: [never],
        stopTimeoutMs: 50,
      });
      await alone.send(counter.ref(id), { type: "up" });
      await server.kill();
      await alone.stop();

      const text = readFileSync(file(), "latin1");
      // The whole argument, as the file has it: a bare "2-0" is also in a uuid now and then.
      const second = text.indexOf("\r\n2-0\r\n", before);
      expect(second).toBeGreaterThan(0);
      const end = text.indexOf("EXEC", second) + "EXEC\r\n".length;
      const begin = text.lastIndexOf("MULTI", second);
      expect(begin).toBeGreaterThanOrEqual(before);
      const all = Array.from({ length: end - begin + 1 }, (_, i) => begin + i);
      const step = Math.max(1, Math.floor(all.length / CUTS));
      const cuts = [...all.filter((_, i) => i % step === 0), end - 1, end];
      const found = { both: 0, neither: 0 };
      for (const cut of cuts) {
        const state = await stateAfter(server.folder, basename(file()), cut);
        expect(state, `cut at ${cut - begin} of ${end - begin}`).toSatisfy(({ version, jobs }) =>
          version === 2 ? jobs === 6 : jobs === 3,
        );
        found[state.version === 2 ? "both" : "neither"] += 1;
      }
      expect(found.both).toBeGreaterThan(0);
      expect(found.neither).toBeGreaterThan(0);
      console.log(
        `${cuts.length} cuts in ${end - begin} bytes: ${found.both} left the commit and its jobs, ${found.neither} neither`,
      );
    } finally {
      await server.stop();
    }

    /** What a server finds that starts with the file as far as `cut`. */
    async function stateAfter(folder: string, name: string, cut: number) {
      const copy = mkdtempSync(join(tmpdir(), "pachyderm-aof-"));
      cpSync(join(folder, "appendonlydir"), join(copy, "appendonlydir"), { recursive: true });
      truncateSync(join(copy, "appendonlydir", name), cut);
      const revived = await RedisServer.start({ config: { dir: copy } });
      try {
        return await revived.ask(async (redis) => {
          const version = await redis.xlen(stream);
          const jobs = (await redis.keys(`${prefix}:effects:*-[0-9]`)).length;
          return { version, jobs };
        });
      } finally {
        await revived.stop();
        rmSync(copy, { recursive: true, force: true });
      }
    }
  },
  isLong ? 1_800_000 : 60_000,
);
