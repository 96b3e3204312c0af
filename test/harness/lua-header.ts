// The header of a Lua file, read: what its sections name, and a call of commit.lua taken apart by what they say.

interface Script {
  readonly text: string;
}

/** What a form consists of, by the form's name; "" for what stands before any form. */
type Forms = Readonly<Record<string, readonly string[]>>;

/** A section of a header: from its word to the next one, or to the end of the header. */
export function sectionOf({ text }: Script, word: "KEYS" | "ARGV" | "REPLY"): string {
  const header = /^#!lua\n((?:--.*\n)+)/.exec(text)?.[1] ?? "";
  const lines = header.split("\n").map((line) => line.replace(/^-- ?/, ""));
  const first = lines.findIndex((line) => line.startsWith(word));
  if (first < 0) throw new Error(`the header has no ${word}`);
  const rest = lines.slice(first + 1);
  const length = rest.findIndex((line) => !line.startsWith(" "));
  const own = [lines[first] ?? "", ...rest.slice(0, length)];
  return own.map((line) => line.slice(word.length).trim()).join("\n");
}

/** Of `call, groups; group: plain, others`: `{ "": ["call", "groups"], group: ["plain", "others"] }`. */
export function formsOf(section: string): Forms {
  const forms = joined(section)
    .split(/\n|;/)
    .map((form) => {
      const [, name = "", list = ""] = /^(?:\s*(\w+): )?(.*)$/.exec(form) ?? [];
      return [name, list.split(", ").map((part) => part.trim())] as const;
    });
  return Object.fromEntries(forms);
}

/** Of `extra: "receipt", value | "snapshot", version`: `{ receipt: ["value"], snapshot: ["version"] }`. */
export function variantsOf(section: string, name: string): Forms {
  const line =
    joined(section)
      .split("\n")
      .find((one) => one.startsWith(`${name}: `)) ?? "";
  const variants = line
    .slice(name.length + 2)
    .split(" | ")
    .map((one) => one.split(", "));
  return Object.fromEntries(variants.map(([kind = "", ...parts]) => [kind.replaceAll('"', ""), parts]));
}

/** A line that begins with a bar goes on the one before. */
function joined(section: string): string {
  return section.replaceAll("\n| ", " | ");
}

/** The words in quotation marks. */
export function wordsOf(section: string): readonly string[] {
  return [...new Set([...section.matchAll(/"([a-z]+)"/g)].map(([, word = ""]) => word))];
}

/** What was found of one commit in a call. */
export interface FoundCommit {
  readonly form: "quick" | "plain" | "near" | "other";
  readonly tip: string | undefined;
  readonly log: string | undefined;
  readonly ids: string | undefined;
  readonly stream: string;
  /** By the names of the header. */
  readonly args: Readonly<Record<string, string>>;
  readonly records: readonly string[];
  readonly extras: readonly { readonly kind: string; readonly key: string; readonly args: unknown }[];
  /** Of a plain commit that is marked. */
  readonly timer?: {
    readonly mark: string;
    readonly due: string | undefined;
    readonly key: string;
    readonly args: unknown;
  };
}

/** What was found of one view of a group. */
export interface FoundView {
  readonly schemas: string;
  readonly rowsKey: string;
  readonly indexKeys: readonly string[];
  /** By the names of the header. */
  readonly args: Readonly<Record<string, string>>;
  readonly rows: readonly Readonly<Record<string, string>>[];
  /** Of each index, where the view is quick. */
  readonly moves: readonly FoundMove[];
}

export type FoundMove =
  | {
      readonly new: string;
      readonly out: readonly string[];
      readonly in: readonly Readonly<Record<string, string>>[];
    }
  | { readonly numbers: readonly string[] };

/** Reads a call of commit.lua as its header says that it is built. */
export class CommitCallReader {
  readonly #keys: string[];
  readonly #args: string[];
  readonly #forms: Forms;
  readonly #extras: Forms;
  readonly #moves: Forms;
  /** Of all groups, in order, as far as they are read. */
  readonly views: FoundView[] = [];

  constructor(script: Script, keys: readonly string[], args: readonly string[]) {
    const section = sectionOf(script, "ARGV");
    this.#forms = formsOf(section);
    this.#extras = variantsOf(section, "extra");
    this.#moves = variantsOf(section, "move");
    this.#keys = [...keys];
    this.#args = [...args];
  }

  /** The commits, in the script's order. @throws Error if something is missing or left over */
  read(): readonly FoundCommit[] {
    const { groups } = this.#named(this.#forms[""]?.slice(0, -1));
    const known = times(groups, () => this.#arg());
    const tips = known.map((token) => (token === "-" ? undefined : this.#key()));
    const found = tips.flatMap((tip) => this.#group(tip));
    const left = this.#keys.length + this.#args.length;
    if (left > 0) throw new Error(`${left} keys and arguments belong to nothing`);
    return found;
  }

  #group(tip: string | undefined): readonly FoundCommit[] {
    const { quick = "", items, befores = "", rest = "" } = this.#named(this.#forms["group"]?.slice(0, -2));
    const isNumbers = /^\d/.test(rest);
    const numbers = rest.split(" ");
    const named = isNumbers ? (this.#forms["rest"] ?? []).map((name, i) => [name, numbers[i]]) : [];
    const {
      plain = quick,
      near = "0",
      others = "0",
      views = "0",
      marks = isNumbers ? "" : rest,
    } = Object.fromEntries(named) as Readonly<Record<string, string>>;
    const listed = isNumbers ? this.#arg() : "";
    const around = {
      tip,
      log: items === "" ? undefined : this.#key(),
      ids: listed === "" ? undefined : this.#key(),
    };
    const due = marks === "" ? undefined : this.#key();
    if (views !== "0") this.#views(views);
    const names = listed.split("\n").filter((name) => name !== "");
    const before = befores.match(/[^ ]* /g) ?? [];
    if (before.length !== Number(plain))
      throw new Error(`${before.length} befores of ${plain} plain commits`);
    return [
      ...times(plain, (i): FoundCommit => {
        const stream = this.#key();
        const { record = "", ...args } = this.#named(this.#forms["plain"]?.slice(0, -1));
        const timer = this.#timer(marks[i], due);
        const form = i < Number(quick) ? "quick" : "plain";
        return {
          form,
          ...around,
          stream,
          args: { ...args, before: before[i] ?? "", ...(i < names.length ? { listed: names[i] ?? "" } : {}) },
          records: [record],
          extras: [],
          ...timer,
        };
      }),
      ...times(others, (i) => this.#other(i < Number(near) ? "near" : "other", around)),
    ];
  }

  #views(count: string | undefined): void {
    const schemas = this.#key();
    const names = this.#forms["view"] ?? [];
    for (let i = 0; i < Number(count); i++) {
      const args = this.#named(names.slice(0, names.indexOf("row...")));
      const { indexes, rows, quick } = args;
      const rowsKey = this.#key();
      const indexKeys = times(indexes, () => this.#key());
      const found = times(rows, () => this.#named(this.#forms["row"]));
      const moves = times(quick === "1" ? indexes : "0", () => this.#move(args["changed"]));
      this.views.push({ schemas, rowsKey, indexKeys, args, rows: found, moves });
    }
  }

  #move(changed: string | undefined): FoundMove {
    const first = this.#arg();
    if (first in this.#moves) return { numbers: times(changed, () => this.#arg()) };
    const { ins, new: fresh = "" } = this.#named(this.#moves["outs"]?.slice(0, 2));
    return {
      new: fresh,
      out: times(first, () => this.#arg()),
      in: times(ins, () => this.#named(this.#forms["place"])),
    };
  }

  #timer(mark = "-", due: string | undefined): Pick<FoundCommit, "timer"> {
    if (mark === "-") return {};
    const names = (this.#forms["timer"] ?? [])
      .filter((name) => mark === "s" || !name.endsWith('(of "s")'))
      .map((name) => name.replace(/ \(.*\)$/, ""));
    return { timer: { mark, due, key: this.#key(), args: this.#named(names) } };
  }

  #other(form: "near" | "other", around: Pick<FoundCommit, "tip" | "log" | "ids">): FoundCommit {
    const stream = this.#key();
    const parts = this.#forms["other"] ?? [];
    const { records, extras, ...args } = this.#named(parts.slice(0, parts.indexOf("record...")));
    const texts = times(records, () => this.#arg());
    const self: Readonly<Record<string, string>> = extras === "0" ? {} : { self: this.#arg() };
    const found = times(extras, () => {
      const kind = this.#arg();
      return { kind, key: this.#key(), args: this.#named(this.#extras[kind]) };
    });
    return { form, ...around, stream, args: { ...args, ...self }, records: texts, extras: found };
  }

  #named(names: readonly string[] | undefined): Readonly<Record<string, string>> {
    if (names === undefined) throw new Error("the header has no such form");
    return Object.fromEntries(names.map((name) => [name, this.#arg()]));
  }

  #key(): string {
    return this.#keys.shift() ?? fail("there are too few keys");
  }

  #arg(): string {
    return this.#args.shift() ?? fail("there are too few arguments");
  }
}

function times<T>(count: string | undefined, make: (i: number) => T): readonly T[] {
  return Array.from({ length: Number(count) }, (_, i) => make(i));
}

function fail(message: string): never {
  throw new Error(message);
}
