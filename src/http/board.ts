// Bull Board, or whatever else shows queues of BullMQ's, mounted at /queues. Its packages are the user's: the door is given
// a function that makes a plugin of the queues.

import type { FastifyInstance, FastifyPluginCallback } from "fastify";
import type { BoardQueue } from "../node/effect-jobs.ts";
import type { Pachyderm } from "../node/pachyderm.ts";

/** Where the board is. */
export const BOARD_PATH = "/queues";

/**
 * Makes a Fastify plugin that shows the queues, for the prefix `/queues`: see docs/http.md.
 * @param queues one for each partition; none where the node is embedded
 */
export type Board = (queues: readonly BoardQueue[], path: string) => FastifyPluginCallback;

export async function boardRoutes(app: FastifyInstance, { effects }: Pachyderm, board: Board): Promise<void> {
  const plugin = board(await effects.queues(), BOARD_PATH);
  await app.register(
    async (inner: FastifyInstance) => {
      // A board reads its own bodies, and tells its own faults.
      inner.removeAllContentTypeParsers();
      await inner.register(plugin);
    },
    { prefix: BOARD_PATH },
  );
}

export function isOfBoard(url: string): boolean {
  return url === BOARD_PATH || url.startsWith(`${BOARD_PATH}/`);
}
