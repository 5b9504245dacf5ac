import { posix } from "node:path";
import type { Token } from "./tokens.ts";

/** One module that a source asks for, by whatever statement. */
export interface Import {
  /** As it is written. */
  readonly specifier: string;
  /** Where the specifier stands, counted from 1. */
  readonly line: number;
  /** `export … from`: the module is passed on. */
  readonly passedOn: boolean;
  /** Tokens of the statement: [from, to). */
  readonly from: number;
  readonly to: number;
}

/** `import`, `export … from`, `import()` and `new URL(…, import.meta.url)`, types included. */
export function importsOf(tokens: readonly Token[]): Import[] {
  const imports: Import[] = [];
  for (const [at, token] of tokens.entries()) {
    const is = (offset: number, text: string) => tokens[at + offset]?.text === text;
    if (token.kind !== "word" || tokens[at - 1]?.text === ".") continue;
    if (token.text === "import" && is(1, "(")) add(at, at + 2, false);
    else if (token.text === "import" && !is(1, ".")) add(at, clauseEnd(at + 1), false);
    else if (token.text === "export" && (is(1, "*") || is(1, "{") || (is(1, "type") && is(2, "{")))) {
      const end = clauseEnd(at + 1);
      if (tokens[end - 1]?.text === "from") add(at, end, true);
    } else if (token.text === "URL" && is(1, "(") && is(4, "import")) add(at, at + 2, false);
  }
  return imports;

  /** Where the module of an import or export clause is named, if it is. */
  function clauseEnd(start: number): number {
    let at = start;
    if (tokens[at]?.text === "type") at += 1;
    while (at < tokens.length && tokens[at]?.kind !== "string" && tokens[at]?.text !== ";") {
      at = tokens[at]?.text === "{" ? closing(at) + 1 : at + 1;
      if (tokens[at - 1]?.text === "}" && tokens[at]?.text !== "from" && tokens[at]?.text !== ",") break;
    }
    return at;
  }

  function closing(open: number): number {
    const at = tokens.findIndex((token, index) => index > open && token.text === "}");
    return at < 0 ? tokens.length : at;
  }

  function add(from: number, at: number, passedOn: boolean): void {
    const token = tokens[at];
    if (token?.kind !== "string") return;
    imports.push({ specifier: token.text, line: token.line, passedOn, from, to: at + 1 });
  }
}

/** The file that a relative specifier names, seen from the project's top; null for a package. */
export function resolved(from: string, specifier: string): string | null {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : null;
}
