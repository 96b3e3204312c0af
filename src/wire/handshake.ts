// How two nodes come to trust each other before the first frame: in the headers of the HTTP request that becomes the
// line, so that nothing of a stranger's is parsed but a few short headers.
//
//   asker     GET                                            hello: its id, network, protocol, whom it wants
//   listener  401 challenge: its id, a nonce                 (or a refusal, in words)
//   asker     GET, upgrade: hello, both nonces, its proof
//   listener  101: its own proof                             (or a refusal, in words)
//
// A proof is an HMAC-SHA256 (RFC 2104) with the secret over all that was said, and whose it is. So the secret never
// travels, a proof is good for one nonce, and one side's proof is not the other's. The asker proves first: a stranger is
// given nothing to guess at.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export interface Hello {
  readonly protocol: number;
  readonly network: string;
  /** The asker's. */
  readonly id: string;
  /** The listener's, as the asker knows it. */
  readonly to: string;
}

export interface Nonces {
  readonly asker: string;
  readonly listener: string;
}

export type Role = "asker" | "listener";

export function newNonce(): string {
  return randomBytes(24).toString("base64url");
}

/** Empty where there is no secret. */
export function prove(secret: string | undefined, role: Role, hello: Hello, nonces: Nonces): string {
  if (secret === undefined) return "";
  // Joined by what none of them can contain, so that no two sets of parts make one text.
  const said = [role, hello.protocol, hello.network, hello.id, hello.to, nonces.asker, nonces.listener].join(
    "\n",
  );
  return createHmac("sha256", secret).update(`pachyderm\n${said}`).digest("base64url");
}

/** By any of the secrets, in a time that tells nothing; without secrets, nothing is to be proved. */
export function isProved(
  secrets: readonly string[],
  role: Role,
  hello: Hello,
  nonces: Nonces,
  proof: string,
): boolean {
  if (secrets.length === 0) return proof === "";
  return secrets.map((secret) => isSame(prove(secret, role, hello, nonces), proof)).includes(true);
}

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Why a listener will not talk to an asker. `status`: of HTTP (RFC 9110), for askers tell by it what to make of it. */
export interface Refusal {
  readonly status: 403 | typeof MISDIRECTED | typeof STOPPING;
  readonly words: string;
}

/** Another node is at this address by now. */
export const MISDIRECTED = 421;
export const STOPPING = 503;

export const NO_HELLO: Refusal = { status: 403, words: "this is a door for nodes of Pachyderm" };

/** Before any proof; null: it may go on. */
export function refusalOf(hello: Hello, own: Omit<Hello, "to">): Refusal | null {
  const no = (words: string): Refusal => ({ status: 403, words });
  if (hello.network !== own.network)
    return no(`this is a node of the network ${own.network}, not ${hello.network}`);
  if (hello.protocol !== own.protocol)
    return no(`this node speaks version ${own.protocol} of the protocol, not ${hello.protocol}`);
  if (hello.to !== own.id) return { status: MISDIRECTED, words: `the node ${hello.to} is not here any more` };
  return null;
}

const PREFIX = "x-pachyderm-";

export function writeHeaders(parts: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(parts).map(([name, value]) => [PREFIX + name, `${value}`]));
}

/** Of letters, digits and a few signs, and short: they are logged, and compared. */
const SOUND = /^[A-Za-z0-9._-]{0,100}$/;

/** Undefined if it is missing, or not what such a header can be. */
export function readHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[PREFIX + name];
  return typeof value === "string" && SOUND.test(value) ? value : undefined;
}

/** Undefined if it is no hello. */
export function readHello(headers: IncomingHttpHeaders): Hello | undefined {
  const [protocol, network, id, to] = ["protocol", "network", "id", "to"].map((name) =>
    readHeader(headers, name),
  );
  if (protocol === undefined || !network || !id || !to || !/^\d{1,9}$/.test(protocol)) return undefined;
  return { protocol: Number(protocol), network, id, to };
}

/** A refusal travels as a header: what words cannot stand in one is left out. */
export function writeRefusal(words: string): Record<string, string> {
  return writeHeaders({ refusal: soundWords(words) });
}

export function readRefusal(headers: IncomingHttpHeaders): string | undefined {
  const words = headers[`${PREFIX}refusal`];
  return typeof words === "string" ? `it refused: ${soundWords(words)}` : undefined;
}

function soundWords(words: string): string {
  return words.replace(/[^\x20-\x7e]/g, "?").slice(0, 300);
}
