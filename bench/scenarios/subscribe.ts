// A subscription with a handler that does nothing: how fast it catches up beside the raw line, and how late a live event is.

import type { Contestant, Figures } from "../contest.ts";
import { readLogs } from "../lines/log.ts";
import type { Around, Scenario } from "./scenario.ts";

const EVENTS = 60_000;
const RATE = 5_000;
const LIVE_MS = 3_000;
const TICK_MS = 5;
const PER_SECOND = "events/s";

export const subscribe: Scenario = {
  name: "subscribe",
  fsync: ["everysec"],
  async prepare(around) {
    const { pachyderm } = around;
    if (pachyderm === undefined) return [];
    const contests = [];
    for (const perCommit of [1, 10]) {
      const network = `bench-sub-${perCommit}`;
      const contestants = await catchUps(around, network, perCommit);
      contests.push({
        title: `catching up with ${EVENTS} events, ${perCommit} for each commit`,
        contestants,
        floors: [
          { contestant: "subscription", figure: PER_SECOND, of: "ratio", atLeast: 0.7 },
          { contestant: "subscription, batch of 10", figure: PER_SECOND, of: "ratio", atLeast: 0.7 },
        ] as const,
      });
    }
    contests.push({
      title: `live, ${RATE} events/s, from the send to the handler`,
      contestants: [live(around)],
      floors: [{ contestant: "subscription", figure: "p99 ms", of: "value", atMost: 20 }] as const,
    });
    return contests;
  },
};

async function catchUps(
  { server, pachyderm }: Around,
  network: string,
  perCommit: number,
): Promise<Contestant[]> {
  if (pachyderm === undefined) return [];
  const reader = await pachyderm.openReader(server, network, perCommit);
  await reader.fill(EVENTS / perCommit);
  const measured = async (run: () => Promise<number>): Promise<Figures> => {
    const start = performance.now();
    const count = await run();
    if (count !== EVENTS) throw new Error(`${count} events were read of ${EVENTS}`);
    return { [PER_SECOND]: (count * 1_000) / (performance.now() - start) };
  };
  return [
    { name: "XREAD and XRANGE, plain ioredis", measure: () => measured(() => readLogs(server.url, network)) },
    { name: "subscription", measure: () => measured(() => reader.catchUp(EVENTS, undefined)) },
    { name: "subscription, batch of 10", measure: () => measured(() => reader.catchUp(EVENTS, 10)) },
  ];
}

function live({ server, pachyderm }: Around): Contestant {
  return {
    name: "subscription",
    async measure(): Promise<Figures> {
      if (pachyderm === undefined) return {};
      const reader = await pachyderm.openReader(server, "bench-sub-live", 1);
      try {
        const delays = (await reader.live(RATE, LIVE_MS, TICK_MS)).toSorted((a, b) => a - b);
        const at = (share: number): number => delays[Math.floor(delays.length * share)] ?? Number.NaN;
        return { "p50 ms": at(0.5), "p99 ms": at(0.99), [PER_SECOND]: (delays.length * 1_000) / LIVE_MS };
      } finally {
        await reader.close();
      }
    },
  };
}
