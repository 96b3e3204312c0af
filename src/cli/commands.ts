// All commands. A new one is a file in commands/ and a line here; what it needs to know is in command.ts.

import type { CliCommand } from "./command.ts";
import { cluster } from "./commands/cluster.ts";
import { doctor } from "./commands/doctor.ts";
import { effects } from "./commands/effects.ts";
import { entities } from "./commands/entities.ts";
import { events } from "./commands/events.ts";
import { follow } from "./commands/follow.ts";
import { get } from "./commands/get.ts";
import { history } from "./commands/history.ts";
import { network, networks } from "./commands/networks.ts";
import { preview } from "./commands/preview.ts";
import { send } from "./commands/send.ts";
import { start } from "./commands/start.ts";
import { subscriptions } from "./commands/subscriptions.ts";
import { timers } from "./commands/timers.ts";
import { view } from "./commands/view.ts";

/** In the order of `pachyderm --help`. */
export const commands: readonly CliCommand[] = [
  start,
  send,
  get,
  events,
  timers,
  follow,
  entities,
  view,
  history,
  preview,
  cluster,
  effects,
  subscriptions,
  doctor,
  networks,
  network,
];
