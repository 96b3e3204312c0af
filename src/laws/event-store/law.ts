// Makes a law of a sentence and a check: opens the clients that it needs, and closes them, however it ends.

import type { EventStore } from "../../ports/event-store.ts";
import type { Backend, Law } from "../backend.ts";
import { Client } from "./client.ts";

export class Stage {
  readonly backend: Backend;
  readonly #opened: EventStore[] = [];

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** Another client on the same data. */
  async open(): Promise<Client> {
    const store = await this.backend.open();
    this.#opened.push(store);
    return new Client(store, this.backend);
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((store) => store.close()));
  }
}

export function law(name: string, run: (client: Client, stage: Stage) => Promise<void>): Law {
  return {
    name,
    async check({ backend }) {
      const stage = new Stage(backend);
      try {
        await run(await stage.open(), stage);
      } finally {
        await stage.close();
      }
    },
  };
}
