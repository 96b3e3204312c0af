// Every airport's state, asked of a node.

import type { Pachyderm } from "pachyderm";
import { airportOf } from "../../cluster/entities/airport.ts";
import type { States } from "./differences.ts";

export async function statesOf(pachyderm: Pachyderm, codes: readonly string[]): Promise<States> {
  const answers = await Promise.all(
    codes.map(async (code) => {
      const { state } = await pachyderm.get(airportOf(code));
      return [code, state] as const;
    }),
  );
  return new Map(answers);
}
