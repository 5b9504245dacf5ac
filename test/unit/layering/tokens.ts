/** One word, literal or mark of a TypeScript source. */
export interface Token {
  readonly kind: "word" | "number" | "string" | "regexp" | "mark";
  /** As it is written; of a string what is between the quotes, of a template each part between the holes. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
  /** Whether it stands right behind the token before. */
  readonly joined: boolean;
}

/** A source without its blanks and comments, and the lines that comments end on. */
export interface Tokens {
  readonly tokens: readonly Token[];
  readonly commentedLines: ReadonlySet<number>;
}

const BLANK = /\s+/y;
const COMMENT = /\/\/[^\n]*|\/\*.*?\*\//sy;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/sy;
const TEMPLATE_PART = /(?:[^`\\$]|\\.|\$(?!\{))*/sy;
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const NUMBER = /\d[\w.]*/y;
const WORD = /[#@]?[\p{ID_Start}$_][\p{ID_Continue}$]*/uy;
const MARK = /\?\.(?!\d)|\.\.\.|=>|[!=]==?|[<>]=|&&|\|\||\?\?|\*\*|\+\+|--|./sy;

const KINDS = [
  ["string", STRING],
  ["regexp", REGEXP],
  ["number", NUMBER],
  ["word", WORD],
  ["mark", MARK],
] as const;

/** Words after which a "/" begins a regular expression and is no division. */
const BEFORE_VALUE = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "void",
  "yield",
  "await",
  "delete",
  "else",
]);

/**
 * Splits a source that the compiler has accepted; no parser, and enough to tell code from texts and comments.
 */
export function tokensOf(source: string): Tokens {
  const tokens: Token[] = [];
  const commentedLines = new Set<number>();
  /** For each open template hole, how many braces are open inside it. */
  const holes: number[] = [];
  let at = 0;
  let line = 1;
  let joined = false;

  function take(pattern: RegExp): string | null {
    pattern.lastIndex = at;
    const [text] = pattern.exec(source) ?? [];
    if (text === undefined) return null;
    at += text.length;
    line += text.split("\n").length - 1;
    return text;
  }

  function push(kind: Token["kind"], text: string, from: number): void {
    tokens.push({ kind, text, line: from, joined });
    joined = true;
  }

  /** From behind a "`" or the "}" of a hole up to the next hole or the end. */
  function template(from: number): void {
    push("string", take(TEMPLATE_PART) ?? "", from);
    if (source.startsWith("${", at)) {
      at += 2;
      holes.push(0);
    } else at += 1;
  }

  function isValueBefore(): boolean {
    const last = tokens.at(-1);
    if (last === undefined) return false;
    if (last.kind === "mark") return [")", "]", "}"].includes(last.text);
    return !(last.kind === "word" && BEFORE_VALUE.has(last.text));
  }

  function next(from: number): void {
    for (const [kind, pattern] of KINDS) {
      if (kind === "regexp" && isValueBefore()) continue;
      const text = take(pattern);
      if (text === null) continue;
      push(kind, kind === "string" ? text.slice(1, -1) : text, from);
      const open = holes.at(-1);
      if (open !== undefined && text === "{") holes[holes.length - 1] = open + 1;
      if (open !== undefined && text === "}") holes[holes.length - 1] = open - 1;
      return;
    }
  }

  while (at < source.length) {
    const from = line;
    if (take(BLANK) !== null) joined = false;
    else if (take(COMMENT) !== null) {
      commentedLines.add(line);
      joined = false;
    } else if (source[at] === "`" || (source[at] === "}" && holes.at(-1) === 0)) {
      if (source[at] === "}") holes.pop();
      at += 1;
      template(from);
    } else next(from);
  }
  return { tokens, commentedLines };
}
