// What can befall the server behind a backend: for laws about living through it.

export interface FaultyServer {
  /** Connections stay open, and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends as by SIGKILL and comes back on its address; answers when this settles. */
  restart(): Promise<void>;
}
