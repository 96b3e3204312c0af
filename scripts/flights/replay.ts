// The second process: a node that knows nothing of the first, reads every airport out of Redis, and tells its states
// as JSON on standard output. Started by replayed.ts: <redis url> <network> <flights>.

import { Pachyderm } from "pachyderm";
import { airport } from "../../cluster/entities/airport.ts";
import { codesOf, readFlights } from "./flights.ts";
import { statesOf } from "./states.ts";

const [redis = "", network = "", flights = ""] = process.argv.slice(2);
// A version of the state's form that nothing was stored under: the snapshots of the first process go unread, and every
// state here is made of all events from the first on.
const fromFirstEvent = { ...airport, snapshot: { every: 0, version: airport.snapshot.version + 1 } };
const pachyderm = await Pachyderm.start({ entities: [fromFirstEvent], redis, network });
const states = await statesOf(pachyderm, codesOf((await readFlights()).slice(0, Number(flights))));
await pachyderm.stop();
process.stdout.write(JSON.stringify([...states]));
