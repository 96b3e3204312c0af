// Standard Schema (https://standardschema.dev): zod, valibot, arktype and others, behind one interface.

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { reasonOf } from "./errors.ts";

/** A schema whose output is `T`. Only synchronous validation is taken: a message must not overtake another. */
export type Schema<T> = StandardSchemaV1<unknown, T>;

export interface SchemaIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export type Checked<T> =
  | { readonly kind: "fits"; readonly value: T }
  | { readonly kind: "unfit"; readonly issues: readonly SchemaIssue[] };

export function isSchema(value: unknown): value is Schema<unknown> {
  // A schema of arktype is a function.
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return false;
  const standard: unknown = Reflect.get(value, "~standard");
  return typeof standard === "object" && standard !== null && "validate" in standard;
}

/** Runs a schema. What the schema throws is an issue like any other: the value was not found to fit. */
export function check<T>(schema: Schema<T>, value: unknown): Checked<T> {
  try {
    return read(schema["~standard"].validate(value));
  } catch (thrown) {
    return unfit(`the schema threw: ${reasonOf(thrown)}`);
  }
}

function read<T>(result: ReturnType<Schema<T>["~standard"]["validate"]>): Checked<T> {
  if (result instanceof Promise) {
    result.catch(() => {}); // the refusal below is the answer; a later rejection must not end the process
    return unfit("the schema validates asynchronously; use a synchronous one");
  }
  if (result.issues === undefined) return { kind: "fits", value: result.value };
  return {
    kind: "unfit",
    issues: result.issues.map((issue) => ({ path: pathOf(issue), message: issue.message })),
  };
}

function unfit(message: string): Checked<never> {
  return { kind: "unfit", issues: [{ path: [], message }] };
}

function pathOf(issue: StandardSchemaV1.Issue): (string | number)[] {
  return (issue.path ?? []).map((part) => {
    const key = typeof part === "object" ? part.key : part;
    return typeof key === "symbol" ? key.toString() : key;
  });
}

/** The issues in one sentence. */
export function describeIssues(issues: readonly SchemaIssue[]): string {
  return issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join("; ");
}
