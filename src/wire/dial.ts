// Makes a line to another node: the asker's side of the handshake.

import { get, type IncomingMessage } from "node:http";
import { get as getSecurely } from "node:https";
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Peer } from "../ports/transport.ts";
import {
  type Hello,
  isProved,
  MISDIRECTED,
  newNonce,
  prove,
  readHeader,
  readRefusal,
  STOPPING,
  writeHeaders,
} from "./handshake.ts";

export interface Identity {
  readonly id: string;
  readonly network: string;
  readonly protocol: number;
  readonly secrets: readonly string[];
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | undefined;
}

export type Dialed<C> =
  | { readonly kind: "connected"; readonly connection: C }
  /** Nobody is there, or not the one that was meant: nodes come and go. */
  | { readonly kind: "absent"; readonly reason: string }
  /** It does not want us, or is not what it should be: somebody must look at it. */
  | { readonly kind: "refused"; readonly reason: string };

/** Takes over a socket in the very moment in which it opens: what comes with the last header must find somebody. */
export type Connect<C> = (socket: WebSocket, bytes: Duplex) => C;

/** Never rejects: nobody answering within `ms` is `absent`. */
export async function dial<C>(
  peer: Peer,
  self: Identity,
  { maxPayload, ms }: { readonly maxPayload: number; readonly ms: number },
  connect: Connect<C>,
): Promise<Dialed<C>> {
  const signal = AbortSignal.timeout(ms);
  const hello: Hello = { protocol: self.protocol, network: self.network, id: self.id, to: peer.id };
  const challenged = await challenge(peer, self, hello, signal);
  if (challenged.kind !== "connected") return challenged;
  const nonces = { asker: newNonce(), listener: challenged.connection };
  const [secret] = self.secrets;
  const headers = {
    ...writeHeaders({ ...hello, asker: nonces.asker, listener: nonces.listener }),
    ...writeHeaders({ proof: prove(secret, "asker", hello, nonces) }),
  };
  const scheme = self.tls === undefined ? "ws" : "wss";
  const socket = new WebSocket(`${scheme}://${peer.address}/`, {
    ...secure(self),
    headers,
    maxPayload,
    perMessageDeflate: false,
    handshakeTimeout: ms,
    followRedirects: false,
    generateMask,
  });
  return await opened(socket, signal, connect, (response) => {
    const proof = readHeader(response.headers, "proof") ?? "";
    return isProved(self.secrets, "listener", hello, nonces, proof);
  });
}

/**
 * None: each byte that an asker says would be changed, and changed back, one by one. RFC 6455 (10.3) has the mask so that a program of a web page cannot choose the bytes that a
 * proxy on the way takes for a request; here there is no such program, and what was said in the handshake is proved.
 */
function generateMask(mask: Buffer): void {
  mask.fill(0);
}

/** Said here, whatever the environment says of it. */
function secure({ tls }: Identity): object {
  return tls === undefined ? {} : { ...tls, rejectUnauthorized: true, minVersion: "TLSv1.2" };
}

/** The listener's nonce. */
function challenge(
  { address }: Peer,
  self: Identity,
  hello: Hello,
  signal: AbortSignal,
): Promise<Dialed<string>> {
  const { promise, resolve } = Promise.withResolvers<Dialed<string>>();
  const [ask, scheme] = self.tls === undefined ? ([get, "http"] as const) : ([getSecurely, "https"] as const);
  const options = { ...secure(self), headers: writeHeaders({ ...hello }), signal, agent: false };
  const request = ask(`${scheme}://${address}/`, options, (response) => {
    const nonce = readHeader(response.headers, "nonce");
    if (response.statusCode === 401 && nonce !== undefined) resolve({ kind: "connected", connection: nonce });
    else resolve(refused(response));
    request.destroy(); // whatever it says besides is not read
  });
  request.on("error", (error) => resolve(failed(error)));
  return promise;
}

function opened<C>(
  socket: WebSocket,
  signal: AbortSignal,
  connect: Connect<C>,
  isTrusted: (response: IncomingMessage) => boolean,
): Promise<Dialed<C>> {
  const { promise, resolve } = Promise.withResolvers<Dialed<C>>();
  let response: IncomingMessage | undefined;
  const give = (dialed: Dialed<C>): void => {
    socket.terminate();
    resolve(dialed);
  };
  const late = (): void => give({ kind: "absent", reason: "it did not answer in time" });
  signal.addEventListener("abort", late, { once: true });
  socket.once("upgrade", (upgraded) => {
    response = upgraded;
  });
  socket.once("unexpected-response", (_, other) => give(refused(other)));
  socket.on("error", (error) => give(failed(error)));
  socket.once("open", () => {
    signal.removeEventListener("abort", late);
    if (response !== undefined && isTrusted(response)) {
      resolve({ kind: "connected", connection: connect(socket, response.socket) });
    } else {
      give({ kind: "refused", reason: "it could not prove that it knows the secret" });
    }
  });
  return promise;
}

function refused(response: IncomingMessage): Dialed<never> {
  const { statusCode } = response;
  const reason = readRefusal(response.headers) ?? `it answered ${statusCode ?? "nothing"}, as no node does`;
  const isAbsent = statusCode === MISDIRECTED || statusCode === STOPPING;
  return { kind: isAbsent ? "absent" : "refused", reason };
}

/** Codes of OpenSSL, of Node's check of certificates, and of its reader of HTTP. */
const FOREIGN =
  /^(?:ERR_SSL|ERR_TLS|EPROTO|CERT|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|INVALID_|HOSTNAME|HPE_|WS_ERR)/;

function failed(error: Error): Dialed<never> {
  const code = "code" in error ? String(error.code) : "";
  const reason = code === "" || error.message.includes(code) ? error.message : `${error.message} (${code})`;
  return { kind: FOREIGN.test(code) ? "refused" : "absent", reason };
}
