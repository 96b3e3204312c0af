// Answers a request with a problem.

import type { FastifyReply } from "fastify";
import { headersOf, type Problem } from "./problem.ts";

/** Of each reply, the code of the problem that it told: for the log. */
const told = new WeakMap<FastifyReply, Problem["code"]>();

export function answerProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  told.set(reply, problem.code);
  // As text: a serializer could fail at what an entity gave as detail, and there is nothing left to answer with then.
  return reply.code(problem.status).headers(headersOf(problem)).send(textOf(problem));
}

export function toldCode(reply: FastifyReply): Problem["code"] | undefined {
  return told.get(reply);
}

export function textOf(problem: Problem): string {
  return JSON.stringify(problem);
}
