// What a message would come to now; nothing is written.

import type { Leaf } from "../command.ts";
import { exitCodes } from "../failure.ts";
import { jsonOf } from "../options.ts";
import { shown, tableOf } from "../output.ts";
import type { RemotePreview } from "../remote.ts";
import { readAll } from "../standard-input.ts";
import { entitiesOption } from "./history.ts";

export const preview: Leaf = {
  usage: "preview <type> <id> <message>",
  summary: "what a message would yield if it were handled now; nothing is written",
  reaches: "nodes",
  options: [entitiesOption],
  async run(call) {
    const [type = "", id = "", text = ""] = call.args;
    const message = jsonOf("the message", text === "-" ? await readAll() : text);
    const remote = await call.connect();
    const seen = await remote.preview({ type, id }, message);
    await call.output.tell(seen, (paint) => tableOf([], rowsOf(seen), paint));
    return seen.outcome === "handled" ? exitCodes.done : exitCodes.refused;
  },
};

function rowsOf(seen: RemotePreview): string[][] {
  if (seen.outcome === "rejected") {
    return [
      ["rejected", seen.code],
      ["detail", shown(seen.detail)],
      ["at version", `${seen.version}`],
    ];
  }
  return [
    ...seen.events.map((event) => ["event", JSON.stringify(event)]),
    ...seen.effects.map(({ effect, payload }) => ["effect", `${effect} ${JSON.stringify(payload)}`]),
    ["reply", shown(seen.reply)],
    ["state", shown(seen.state)],
    ["at version", `${seen.version}`],
  ];
}
