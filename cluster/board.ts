// Bull Board for the queues of durable effects, at /queues: its packages are loaded where it is asked for only.

import type { Board } from "pachyderm/http";

export async function bullBoard(): Promise<Board> {
  const { createBullBoard, BullMQAdapter, FastifyAdapter } = await load();
  return (queues, path) => {
    const serverAdapter = new FastifyAdapter().setBasePath(path);
    const shown = queues.map(({ partition, queue }) => new BullMQAdapter(queue, { prefix: `${partition} ` }));
    createBullBoard({ queues: shown, serverAdapter });
    return serverAdapter.registerPlugin();
  };
}

async function load() {
  try {
    const [api, adapter, fastify] = await Promise.all([
      import("@bull-board/api"),
      import("@bull-board/api/bullMQAdapter"),
      import("@bull-board/fastify"),
    ]);
    return { ...api, ...adapter, ...fastify };
  } catch (cause) {
    throw new Error("the board needs packages of its own: npm install @bull-board/api @bull-board/fastify", {
      cause,
    });
  }
}
