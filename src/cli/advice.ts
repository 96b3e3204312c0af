// What to do about an error, said to whoever typed a command. docs/errors.md says it to programmers.

import type { ErrorCode, Outcome } from "../core/errors.ts";

const advice: Readonly<Record<ErrorCode, string>> = {
  INVALID_REFERENCE: "Give the type, and a UUID as id.",
  INVALID_MESSAGE: "Give the message as JSON with a `type`, as the entity takes it.",
  INVALID_OPTIONS: "Mend the option or the variable that the message names.",
  INVALID_CURSOR: "Hand back a cursor as an answer of this entity, in this network, gave it.",
  UNKNOWN_TYPE:
    "Check the type: `pachyderm cluster` shows which are hosted. `history` and `preview` run its code: give --entities, or --url.",
  WRONG_TYPE: "Use the type that the entity has.",
  DESTROYED: "Use another id: this entity is gone for good.",
  REJECTED: "This is the entity's own answer: change the message, or what the entity is.",
  HANDLER_FAILED: "Mend the entity's code; nothing of the message was stored.",
  CONFLICT: "Send it again, or leave out --no-retry.",
  EXPECTED_MISMATCH: "Read the entity again with `pachyderm get`, and decide again.",
  KEY_REUSED: "Use a new --key for a new message.",
  MAILBOX_FULL: "Send again after a pause.",
  DEADLINE_EXCEEDED: "Send again, with more --timeout; see whether Redis and the nodes are well.",
  NODE_STOPPING: "Send again: another node takes it.",
  NO_OWNER: "See with `pachyderm cluster` which nodes are there; start one that hosts the type.",
  STORE_UNAVAILABLE: "See that Redis runs, and that --redis is its address; `pachyderm doctor` looks at it.",
  LOG_DIVERGED: "Redis lost commits that it had acknowledged: read the entity again, and go on from there.",
  VIEW_NOT_BUILT: "Ask again in a while: the nodes are making its rows; `get` answers meanwhile.",
  UNREADABLE_EVENT: "The message names the record that cannot be read: see docs/errors.md.",
  TOO_LARGE: "Send less; keep large things elsewhere, and send their address.",
  UNAUTHORIZED: "Check the user name and password in --redis, or the --token of the HTTP door.",
  CONFIG_MISMATCH: "Use the settings that the network was made with, or another --network.",
  UNSUPPORTED_REDIS: "Change what the message names; `pachyderm doctor` shows all of it.",
};

export function adviceOf(code: ErrorCode, outcome: Outcome): string {
  if (outcome === "unknown")
    return "It may have been handled: send it again with the same --key, and it is handled once.";
  return advice[code];
}
