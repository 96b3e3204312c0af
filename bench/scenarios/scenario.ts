// What main.ts gives a scenario, and what it gives back.

import type { Contest } from "../contest.ts";
import type { Options } from "../options.ts";
import type { Bench } from "../pachyderm.ts";
import type { Fsync, Server } from "../redis.ts";

export interface Around {
  readonly server: Server;
  readonly options: Options;
  /** Undefined: the package cannot be loaded, and only the reference lines run. */
  readonly pachyderm: Bench | undefined;
}

export interface Scenario {
  readonly name: string;
  /** The settings of Redis that it is run under, each on a server of its own. */
  readonly fsync: readonly Fsync[];
  prepare(around: Around): Promise<readonly Contest[]>;
  /** Ends what `prepare` began. */
  end?(): Promise<void>;
}
