// A node in a process of its own, which has all entities, and beside it the barest thing that can answer over the same
// kind of line, in text as nodes do. Says where, and ends when its parent does.

import { WebSocketServer } from "ws";
import { findPachyderm } from "./pachyderm.ts";

const [url = "", network = ""] = process.argv.slice(2);
const bench = await findPachyderm();
await bench?.open({ url }, { log: true, snapshot: true, cluster: { network, host: true } });

const echo = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
echo.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
await new Promise((resolve) => echo.once("listening", resolve));
const address = echo.address();
console.log(typeof address === "object" && address !== null ? address.port : 0);

process.stdin.resume().once("end", () => process.exit());
