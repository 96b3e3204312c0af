// The source as the rules see it: a path, its text without comments and strings, and what it imports.

import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Import {
  /** From src/, for a file of ours; else the name of the package. */
  readonly target: string;
  readonly ours: boolean;
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** From src/, such as `engine/worker.ts`. */
  readonly path: string;
  /** The code alone. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** A rule of the house: the sentences say what breaks it; none if nothing does. */
export type Rule = (files: readonly SourceFile[]) => readonly string[];

export function sourceFile(path: string, text: string): SourceFile {
  return { path, code: codeOf(text), imports: importsOf(path, text) };
}

export function readSource(): readonly SourceFile[] {
  const paths = globSync("**/*.ts", { cwd: join(root, "src") }).sort();
  return paths.map((path) => sourceFile(path, readFileSync(join(root, "src", path), "utf8")));
}

const STATEMENT = /^\s*(?:import|export)\s+(type\s)?[^;"']*?\bfrom\s+"([^"]+)"/gm;
const BARE = /^\s*import\s+"([^"]+)"/gm;
const CALL = /\bimport\(\s*"([^"]+)"/g;

function importsOf(path: string, text: string): Import[] {
  const plain = withoutComments(text);
  const statements = [...plain.matchAll(STATEMENT)].map(([, type, name]) => ({
    name,
    typeOnly: type !== undefined,
  }));
  const others = [...plain.matchAll(BARE), ...plain.matchAll(CALL)].map(([, name]) => ({
    name,
    typeOnly: false,
  }));
  return [...statements, ...others].map(({ name = "", typeOnly }) => {
    const ours = name.startsWith(".");
    return { target: ours ? normalize(join(dirname(path), name)) : packageOf(name), ours, typeOnly };
  });
}

function packageOf(name: string): string {
  return name.startsWith("@") ? name.split("/").slice(0, 2).join("/") : (name.split("/")[0] ?? name);
}

const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;

function withoutComments(text: string): string {
  return text.replace(COMMENT_OR_STRING, (part) => (part.startsWith("/") ? " " : part));
}

/** Placeholders of template strings go with them: no rule here is worth a parser. */
function codeOf(text: string): string {
  return text.replace(COMMENT_OR_STRING, (part) => (part.startsWith("/") ? " " : '""'));
}
