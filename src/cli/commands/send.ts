// A message to an entity, and what became of it.

import { type Json, typeOf } from "../../core/json.ts";
import type { Leaf } from "../command.ts";
import { exitCodes, usage } from "../failure.ts";
import { jsonOf, wholeOf } from "../options.ts";
import { type Paint, shown, tableOf } from "../output.ts";
import type { RemoteSent } from "../remote.ts";
import { readAll } from "../standard-input.ts";

const LONGEST_MS = 3_600_000;

export const send: Leaf = {
  usage: "send <type> <id> <message>",
  summary: "send a message, as JSON (- reads it from standard input)",
  reaches: "nodes",
  options: [
    ["--key <key>", "idempotency key: a second message with it is not handled, and gets the first answer"],
    ["--expected <place>", "handle it only at this version, or at the place of this cursor"],
    ["--timeout <ms>", "milliseconds until the answer, whatever it is (5000)"],
    ["--answer <what>", "none, or the name of a query, in place of the state"],
    ["--args <json>", "for the query"],
    ["--no-retry", "a commit that comes second is CONFLICT, and not tried again"],
  ],
  async run(call) {
    const [type = "", id = "", text = ""] = call.args;
    const { options, output } = call;
    const message = await messageOf(text);
    const key = options.text("key");
    const expected = options.text("expected");
    const timeoutMs = options.whole("timeout", 1, LONGEST_MS);
    const answer = options.text("answer");
    const args = options.json("args");
    const remote = await call.connect();
    const sent = await remote.send({ type, id }, message, {
      retry: !options.isDenied("retry"),
      ...(key === undefined ? {} : { key }),
      ...(expected === undefined ? {} : { expected: wholeOf(expected) ?? expected }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(answer === undefined ? {} : { answer }),
      ...(args === undefined ? {} : { args }),
    });
    await output.tell(sent, (paint) => describe(sent, paint));
    return exitCodes.done;
  },
};

async function messageOf(text: string): Promise<Json> {
  const message = jsonOf("the message", text === "-" ? await readAll() : text);
  if (typeOf(message) === undefined)
    throw usage('the message is an object with a type, such as {"type":"increment"}');
  return message;
}

function describe(sent: RemoteSent, paint: Paint): string {
  const { version, handledVersion, reply, duplicate, cursor } = sent;
  const value: [string, string][] = [];
  if ("state" in sent) value.push(["state", shown(sent.state)]);
  if ("result" in sent) value.push(["result", shown(sent.result)]);
  const handled = `${handledVersion}${duplicate ? paint.yellow(" (it had been handled before)") : ""}`;
  const rows = [
    ...value,
    ...(reply === null ? [] : [["reply", shown(reply)]]),
    ["version", `${version}`],
    ["handled at", handled],
    ["cursor", cursor],
  ];
  return tableOf([], rows, paint);
}
