// Makes a line to another node: the asker's side of the handshake.

import { get, type IncomingMessage } from "node:http";
import { get as getSecurely } from "node:https";
import { WebSocket } from "ws";
import type { Peer } from "../ports/transport.ts";
import { type Hello, isProved, newNonce, prove, readHeader, writeHeaders } from "./handshake.ts";

export interface Identity {
  readonly id: string;
  readonly network: string;
  readonly protocol: number;
  readonly secrets: readonly string[];
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | undefined;
}

/** @throws Error in words, when it is refused, or nobody answers within `ms` */
export async function dial(peer: Peer, self: Identity, maxPayload: number, ms: number): Promise<WebSocket> {
  const signal = AbortSignal.timeout(ms);
  const hello: Hello = { protocol: self.protocol, network: self.network, id: self.id, to: peer.id };
  const nonces = { asker: newNonce(), listener: await challenge(peer, self, hello, signal) };
  const [secret] = self.secrets;
  const headers = {
    ...writeHeaders({ ...hello, asker: nonces.asker, listener: nonces.listener }),
    ...writeHeaders({ proof: prove(secret, "asker", hello, nonces) }),
  };
  const scheme = self.tls === undefined ? "ws" : "wss";
  const socket = new WebSocket(`${scheme}://${peer.address}/`, {
    ...(self.tls ?? {}),
    headers,
    maxPayload,
    perMessageDeflate: false,
    handshakeTimeout: ms,
    followRedirects: false,
  });
  return await opened(socket, signal, (response) => {
    const proof = readHeader(response.headers, "proof") ?? "";
    return isProved(self.secrets, "listener", hello, nonces, proof);
  });
}

/** The listener's nonce. */
function challenge({ address }: Peer, { tls }: Identity, hello: Hello, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const ask = tls === undefined ? get : getSecurely;
  const scheme = tls === undefined ? "http" : "https";
  const options = { ...(tls ?? {}), headers: writeHeaders({ ...hello }), signal, agent: false };
  const request = ask(`${scheme}://${address}/`, options, (response) => {
    response.resume();
    const nonce = readHeader(response.headers, "nonce");
    if (response.statusCode === 401 && nonce !== undefined) resolve(nonce);
    else reject(refused(response));
  });
  request.on("error", reject);
  return promise;
}

function opened(
  socket: WebSocket,
  signal: AbortSignal,
  isTrusted: (response: IncomingMessage) => boolean,
): Promise<WebSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  let trusted = false;
  const fail = (error: Error): void => {
    socket.terminate();
    reject(error);
  };
  const late = (): void => fail(new Error("it did not answer in time"));
  signal.addEventListener("abort", late, { once: true });
  socket.once("upgrade", (response) => {
    trusted = isTrusted(response);
  });
  socket.once("unexpected-response", (_, response) => fail(refused(response)));
  socket.on("error", fail);
  socket.once("open", () => {
    signal.removeEventListener("abort", late);
    socket.off("error", fail);
    if (trusted) resolve(socket);
    else fail(new Error("it could not prove that it knows the secret"));
  });
  return promise;
}

function refused({ headers, statusCode }: IncomingMessage): Error {
  const words = headers["x-pachyderm-refusal"];
  return new Error(
    typeof words === "string" ? `it refused: ${words}` : `it answered ${statusCode ?? "nothing"}`,
  );
}
