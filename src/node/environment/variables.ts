// The variables of a node program, each as what it must be.

import { PachydermError } from "../../core/errors.ts";
import { environmentTable, type VariableName } from "./table.ts";

type Given = Readonly<Record<string, string | undefined>>;

/** A variable, or its default. One that is empty counts as not set. */
export class Variables {
  readonly #given: Given;

  constructor(given: Given) {
    this.#given = given;
  }

  isSet(name: VariableName): boolean {
    return (this.#given[name] ?? "") !== "";
  }

  optional(name: VariableName): string | null {
    return this.isSet(name) ? (this.#given[name] ?? null) : environmentTable[name].fallback;
  }

  /** Of one that has a default. */
  text(name: VariableName): string {
    return this.optional(name) ?? "";
  }

  whole(name: VariableName, least: number, most: number): number {
    const text = this.text(name);
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw invalidVariable(name, `is a whole number from ${least} to ${most}`);
  }

  list(name: VariableName): readonly string[] {
    const text = this.optional(name);
    if (text === null) return [];
    const items = text.split(",").map((item) => item.trim());
    if (items.includes("")) throw invalidVariable(name, "has an empty item between its commas");
    return items;
  }
}

const ADDRESS = /^(?<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?<port>[0-9]{1,5})$/;

/** The two parts of `host:port`. */
export function addressOf(
  name: VariableName,
  text: string,
): { readonly host: string; readonly port: number } {
  const { host = "", port = "" } = ADDRESS.exec(text)?.groups ?? {};
  if (host !== "" && Number(port) >= 1 && Number(port) <= 65_535)
    return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
  throw invalidVariable(name, "is host:port, an IPv6 address in brackets");
}

/** Names the variable, and never tells its value, which may be a secret. */
export function invalidVariable(name: VariableName, what: string, cause?: unknown): PachydermError {
  return new PachydermError("INVALID_OPTIONS", `${name} ${what}`, { detail: { variable: name }, cause });
}
