// Answers like a Redis of another kind: of an old version, say, where none is at hand. It knows just the commands of a
// client that connects and looks around; the tests against real servers show that they are the right ones.

import { createServer, type Server, type Socket } from "node:net";

export class FakeRedis {
  readonly #info: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The first words of all commands that came, in upper case. */
  readonly commands: string[] = [];

  private constructor(info: Readonly<Record<string, string>>) {
    this.#info = Object.entries(info)
      .map(([name, value]) => `${name}:${value}\r\n`)
      .join("");
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** @param info the fields that INFO tells */
  static async start(info: Readonly<Record<string, string>>): Promise<FakeRedis> {
    const fake = new FakeRedis(info);
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get url(): string {
    const address = this.#server.address();
    return `redis://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString();
      for (let command = takeCommand(text); command !== undefined; command = takeCommand(text)) {
        text = command.rest;
        this.commands.push(command.name);
        socket.write(this.#answer(command.name));
      }
    });
  }

  #answer(name: string): string {
    if (name === "INFO") return `$${this.#info.length}\r\n${this.#info}\r\n`;
    if (name === "CLIENT") return "+OK\r\n";
    return `-ERR unknown command '${name}'\r\n`;
  }
}

/** The first command of a RESP text, once all of it is there. */
function takeCommand(text: string): { readonly name: string; readonly rest: string } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  let at = head[0].length;
  const words: string[] = [];
  for (let i = 0; i < Number(head[1]); i++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (size === null) return undefined;
    const from = at + size[0].length;
    at = from + Number(size[1]) + 2;
    if (text.length < at) return undefined;
    words.push(text.slice(from, at - 2));
  }
  return { name: (words[0] ?? "").toUpperCase(), rest: text.slice(at) };
}
