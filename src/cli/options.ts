// The options of one call, each as what it must be.

import { type Json, parseJson, problemText } from "../core/json.ts";
import { usage } from "./failure.ts";

export class Options {
  readonly #given: Readonly<Record<string, unknown>>;

  /** @param given as commander read them: by their names in camel case */
  constructor(given: Readonly<Record<string, unknown>>) {
    this.#given = given;
  }

  is(name: string): boolean {
    return this.#given[name] === true;
  }

  /** Of `--no-<name>`. */
  isDenied(name: string): boolean {
    return this.#given[name] === false;
  }

  text(name: string): string | undefined {
    const value = this.#given[name];
    return typeof value === "string" ? value : undefined;
  }

  whole(name: string, least: number, most: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = wholeOf(text);
    if (value !== undefined && value >= least && value <= most) return value;
    throw usage(`--${flagOf(name)} is a whole number from ${least} to ${most}`);
  }

  json(name: string): Json | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : jsonOf(`--${flagOf(name)}`, text);
  }
}

export function wholeOf(text: string): number | undefined {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

/** @param what names it in the error */
export function jsonOf(what: string, text: string): Json {
  try {
    return parseJson(text);
  } catch (thrown) {
    throw usage(`${what} is not JSON: ${problemText(thrown)}`);
  }
}

function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
