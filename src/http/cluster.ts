// Who is there, and who owns what.

import type { FastifyInstance } from "fastify";
import type { Pachyderm } from "../node/pachyderm.ts";
import { closeOtherMethods } from "./paths.ts";

const PATH = "/cluster";
const querystring = {
  type: "object",
  additionalProperties: false,
  properties: { locate: { type: "string" } },
};

export function clusterRoutes(app: FastifyInstance, pachyderm: Pachyderm): void {
  app.get<{ Querystring: { locate?: string } }>(
    PATH,
    { schema: { querystring } },
    async ({ query: { locate } }) =>
      locate === undefined ? pachyderm.cluster() : { ...pachyderm.cluster(), ...pachyderm.locate(locate) },
  );
  closeOtherMethods(app, PATH, "GET");
}
