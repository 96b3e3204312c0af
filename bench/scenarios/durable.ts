// What a durable effect costs its commit, beside appending and then adding a job; and how many `tell`s a node carries,
// from the send to the receiver's commit, beside a job for each message.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { KeySpace } from "../../src/redis/keys.ts";
import type { Contestant } from "../contest.ts";
import { drive } from "../drive.ts";
import { Kept } from "../kept.ts";
import { openJobPerMessage, queueAddLine } from "../lines/queue-add.ts";
import type { Bench } from "../pachyderm.ts";
import type { Server } from "../redis.ts";
import type { Around, Scenario } from "./scenario.ts";
import { RATE, throughput } from "./throughput.ts";

const SHAPES = [
  { title: "1,000 entities", inFlight: 64, counters: 1_000 },
  { title: "1 entity", inFlight: 64, counters: 1 },
];
const LESSONS = SHAPES.map(({ inFlight, counters }) => ({ inFlight, counters, ms: 6_000 }));
const TELLS = "tells/s";
const TELLS_IN_FLIGHT = 256;
const RECEIVERS = 1_000;
const MOST_TELLS = 100_000;

let kept: readonly Kept[] = [];

export const durable: Scenario = {
  name: "durable",
  fsync: ["everysec"],
  async prepare(around) {
    const { pachyderm, server } = around;
    if (pachyderm === undefined) return [];
    await pauseQueues(server);
    kept = [
      queueAddLine,
      pachyderm.line({ log: true, snapshot: true, durable: true }, "Pachyderm, 1 durable effect"),
      pachyderm.line({ log: true, snapshot: true }, "Pachyderm, no effect"),
    ].map((line) => new Kept(line, LESSONS));
    const lines = kept;
    return [
      ...SHAPES.map(({ title, ...shape }) => ({
        title: `durable: ${title}, ${shape.inFlight} in flight, nobody works`,
        contestants: lines.map((line) => throughput(line, shape, around)),
        floors: [
          { contestant: "Pachyderm, 1 durable effect", figure: RATE, of: "ratio" as const, atLeast: 0.8 },
        ],
      })),
      {
        title: `tell: ${TELLS_IN_FLIGHT} in flight, from the send to the receiver's commit`,
        contestants: [jobs(around), tells(pachyderm, around)],
        floors: [],
      },
    ];
  },
  async end() {
    for (const line of kept) await line.end();
  },
};

/** Workers take nothing of a queue that is paused; what is added waits. */
async function pauseQueues(server: Server): Promise<void> {
  const redis = new Redis(server.url);
  const space = new KeySpace("bench-log", 32);
  for (let partition = 0; partition < 32; partition++)
    await redis.hset(`${space.queuePrefix(partition)}:effects:meta`, "paused", "1");
  redis.disconnect();
}

interface Teller {
  tell(to: string, key: string): Promise<void>;
  close(): Promise<void>;
}

function jobs(around: Around): Contestant {
  return contestant("a BullMQ job for each message", around, () => openJobPerMessage(around.server));
}

function tells(pachyderm: Bench, around: Around): Contestant {
  return contestant("Pachyderm, tell", around, () => pachyderm.openTeller(around.server));
}

function contestant(name: string, { options }: Around, open: () => Promise<Teller>): Contestant {
  return {
    name,
    async measure() {
      const teller = await open();
      const ids = Array.from({ length: RECEIVERS }, () => randomUUID());
      let told = 0;
      const tellOne = (): Promise<void> => teller.tell(ids[told % RECEIVERS] ?? "", `t${told++}`);
      try {
        const load = (ms: number) => ({ inFlight: TELLS_IN_FLIGHT, ms, most: MOST_TELLS });
        await drive(load(options.warmUpMs * 3), tellOne);
        const { perSecond } = await drive(load(options.ms), tellOne);
        return { [TELLS]: perSecond };
      } finally {
        await teller.close();
      }
    },
  };
}
