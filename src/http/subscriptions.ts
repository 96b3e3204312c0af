// The subscriptions of the network, whichever node runs them.

import type { FastifyInstance } from "fastify";
import type { Pachyderm } from "../node/pachyderm.ts";
import { closeOtherMethods } from "./paths.ts";

const ALL = "/subscriptions";
const ONE = "/subscriptions/:name";
const noQuery = { type: "object", additionalProperties: false };
const rewindBody = {
  type: "object",
  required: ["to"],
  additionalProperties: false,
  properties: { to: { type: "string" }, clearRows: { type: "boolean" } },
};

interface Named {
  readonly Params: { readonly name: string };
}

interface Rewind extends Named {
  readonly Body: { readonly to: string; readonly clearRows?: boolean };
}

export function subscriptionRoutes(app: FastifyInstance, pachyderm: Pachyderm): void {
  app.get(ALL, { schema: { querystring: noQuery } }, async () => ({
    subscriptions: await pachyderm.subscriptions(),
  }));
  app.get<Named>(ONE, { schema: { querystring: noQuery } }, async ({ params: { name } }) => {
    const subscription = pachyderm.subscription(name);
    const [cursor, lag] = await Promise.all([subscription.cursor(), subscription.lag()]);
    return { name, cursor, ...lag };
  });
  for (const what of ["pause", "resume"] as const) {
    app.post<Named>(
      `${ONE}/${what}`,
      { schema: { querystring: noQuery } },
      async ({ params: { name } }, reply) => {
        await pachyderm.subscription(name)[what]();
        return await reply.code(204).send();
      },
    );
    closeOtherMethods(app, `${ONE}/${what}`, "POST");
  }
  app.post<Rewind>(
    `${ONE}/rewind`,
    { schema: { querystring: noQuery, body: rewindBody } },
    async ({ params: { name }, body: { to, clearRows } }, reply) => {
      await pachyderm.subscription(name).rewind(to, clearRows === undefined ? {} : { clearRows });
      return await reply.code(204).send();
    },
  );
  closeOtherMethods(app, `${ONE}/rewind`, "POST");
  closeOtherMethods(app, ALL, "GET");
  closeOtherMethods(app, ONE, "GET");
}
