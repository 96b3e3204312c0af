// A job whose effect this node does not define: another node that does runs it, asked with one frame. The job, and what
// becomes of it, stay here.

import { parseEffectJob } from "../core/durable.ts";
import { reasonOf } from "../core/errors.ts";
import type { Member } from "../core/member.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ran } from "../ports/jobs.ts";
import type { Delivery, Parcel, Transport } from "../ports/transport.ts";
import type { EffectRun } from "./durable-effects.ts";
import { isReachable } from "./forwarder.ts";
import type { Placement } from "./placement.ts";

/** What such a frame begins with: no type of an entity does. */
export const EFFECT_FRAME = "$effect";

export interface HandoverParts {
  readonly placement: Placement;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Its own id; null: it is no member. */
  readonly self: string | null;
}

/** How long an effect of another node may take, milliseconds; a node that dies meanwhile is noticed at once. */
const LONGEST_MS = 3_600_000;
/** When what became of it there is not known: it is run again, soon. */
const SOON_MS = 500;

/** Asks the nodes that define the effect, one after the other, until one takes it. Null: none did. */
export async function handOver({ job, effect: _ }: EffectRun, parts: HandoverParts): Promise<Ran | null> {
  const { transport, clock } = parts;
  const frame: Parcel = [EFFECT_FRAME, job.id, job.partition, job.name, job.data, job.attempt];
  for (const member of candidates(job.name, parts)) {
    if (job.signal.aborted) return { kind: "back", afterMs: 0 };
    const deadline = clock.monotonicMs() + LONGEST_MS;
    const asked = new Promise<Delivery>((resolve) => transport.ask(member, frame, deadline, resolve));
    const delivery = await Promise.race([asked, aborted(job.signal)]);
    if (delivery === null) return { kind: "back", afterMs: 0 };
    if (delivery.kind === "lost") return { kind: "back", afterMs: SOON_MS };
    if (delivery.kind !== "answered") continue;
    const ran = readRan(delivery.answer);
    if (ran !== null) return ran;
  }
  return null;
}

function candidates(effect: string, { placement, transport, self }: HandoverParts): readonly Member[] {
  return placement.members.filter(
    (member) =>
      member.id !== self &&
      !member.leaving &&
      member.effects.includes(effect) &&
      isReachable(transport, member),
  );
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(null), { once: true }));
}

/** Where such a frame comes in. Answers once; never throws. */
export async function receiveEffect(
  parcel: Parcel,
  dispatch: (run: EffectRun) => Promise<Ran>,
  defines: (effect: string) => boolean,
): Promise<Parcel> {
  const [, id, partition, name, data, attempt] = parcel;
  const effect = typeof data === "string" ? parseEffectJob(data) : undefined;
  if (effect === undefined || typeof id !== "string" || typeof name !== "string" || !defines(name))
    return ["not-taken", "unhosted", null];
  // Where the asking node stops, its job is run again elsewhere; this run goes on to its end.
  const { signal } = new AbortController();
  const job = {
    id,
    partition: Number(partition),
    name,
    data: String(data),
    attempt: Number(attempt),
    signal,
  };
  try {
    return writeRan(await dispatch({ job, effect }));
  } catch (thrown) {
    return writeRan({ kind: "failed", error: reasonOf(thrown), final: false });
  }
}

function writeRan(ran: Ran): Parcel {
  if (ran.kind === "failed") return ["ran", ran.kind, ran.error, ran.final];
  return ["ran", ran.kind, ran.kind === "back" ? ran.afterMs : 0, false];
}

/** Null: it did not take it. */
function readRan([word, kind, detail, isFinal]: Parcel): Ran | null {
  if (word !== "ran") return null;
  if (kind === "done") return { kind };
  if (kind === "back") return { kind, afterMs: Number(detail) };
  return { kind: "failed", error: String(detail), final: isFinal === true };
}
