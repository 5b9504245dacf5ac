import { type Import, importsOf, resolved } from "./imports.ts";
import { type Token, tokensOf } from "./tokens.ts";

/** A source file by its path from the project's top. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The levels of the house: a part may import itself and what is in the rows above its own. */
const LEVELS = [
  ["ffi"],
  ["netlink", "domain"],
  ["config", "spool", "engine"],
  ["http", "service"],
  ["cli", "main"],
];

/** What differs from {@link LEVELS}: the whole of what these may import beside themselves. */
const NARROWER: Readonly<Record<string, readonly string[]>> = { domain: [], main: ["cli"] };
/** What these may import of their own row. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  netlink: ["domain"],
  service: ["http"],
  cli: ["package.json"],
};

/** Packages by who may import them; whatever else is none of `node:` belongs to nobody. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "bun:ffi": ["ffi"],
  "bun:sqlite": ["engine"],
  "@valibot": ["config", "http"],
  hono: ["http"],
  "smol-toml": ["config"],
  "toml-eslint-parser": ["config"],
  valibot: ["config", "spool", "engine", "http", "service", "cli"],
};

/** Where bytes become types, which the compiler cannot follow. */
const CASTS = /^(ffi\/|src\/netlink\/|src\/engine\/journal)/;
/** Starts this very program once more, and no other. */
const STARTS_ITSELF = "src/service/drill/watchdog-process.ts";
const LONGEST = 250;

/** All that is wrong with a file by the house's rules, as `PATH:LINE: what`. */
export function breachesOf(file: SourceFile): string[] {
  const { tokens, commentedLines } = tokensOf(file.text);
  const imports = importsOf(tokens);
  const found = [
    ...imports.flatMap((one) => importBreaches(file.path, one)),
    ...tokens.flatMap((token, at) => {
      if (imports.some(({ from, to }) => from <= at && at < to)) return [];
      const what = tokenBreach(file.path, tokens, at, commentedLines);
      return what === null ? [] : [{ line: token.line, what }];
    }),
  ];
  if (levelOf(partOf(file.path)) < 0) found.push({ line: 1, what: "is in no part of the house" });
  const length = file.text.trimEnd().split("\n").length;
  if (length > LONGEST) found.push({ line: length, what: `is longer than ${LONGEST} lines` });
  return found.map(({ line, what }) => `${file.path}:${line}: ${what}`);
}

interface Breach {
  readonly line: number;
  readonly what: string;
}

function importBreaches(path: string, { specifier, line, passedOn }: Import): Breach[] {
  const target = resolved(path, specifier);
  const whats = [
    passedOn ? `passes "${specifier}" on: import from where it is` : null,
    target === null ? packageBreach(path, specifier) : fileBreach(path, target),
  ];
  return whats.flatMap((what) => (what === null ? [] : [{ line, what }]));
}

function fileBreach(path: string, target: string): string | null {
  const [from, to] = [partOf(path), partOf(target)];
  if (from === to || BESIDE[from]?.includes(to)) return null;
  const may = NARROWER[from] ?? LEVELS.slice(0, levelOf(from)).flat();
  return may.includes(to) ? null : `${from} may not import ${to}`;
}

function packageBreach(path: string, specifier: string): string | null {
  const part = partOf(path);
  if (specifier === "node:child_process" || specifier === "child_process") return "starts processes";
  if (part === "domain") return `domain imports nothing outside itself, and "${specifier}" is`;
  if (specifier.startsWith("node:")) return null;
  const owners = PACKAGES[specifier.split("/")[0] ?? ""] ?? [];
  return owners.includes(part) ? null : `${part} may not import "${specifier}"`;
}

function tokenBreach(
  path: string,
  tokens: readonly Token[],
  at: number,
  commentedLines: ReadonlySet<number>,
): string | null {
  const token = tokens[at];
  if (token?.kind === "string") return token.text.includes("/sys/class/net") ? "reads /sys/class/net" : null;
  if (token?.kind === "mark") return isAssertion(tokens, at) ? "asserts with ! what may not be so" : null;
  if (token?.kind !== "word") return null;
  const text = (offset: number) => tokens[at + offset]?.text;
  if (text(-1) === "." || text(-1) === "?.") return memberBreach(path, text(-2), token.text);
  const isKey = text(1) === ":" || (text(1) === "?" && text(2) === ":");
  if (isKey) return null;
  const argued = commentedLines.has(token.line - 1);
  switch (token.text) {
    case "any":
      return argued ? null : "has the type any, and no comment before it says why";
    case "default":
      return text(-1) === "export" ? "has a default export" : null;
    case "as":
      if (argued || text(1) === "const" || isRename(tokens, at) || CASTS.test(path)) return null;
      return "casts with `as`, and no comment before it says why";
    default:
      return null;
  }
}

function memberBreach(path: string, object: string | undefined, member: string): string | null {
  if (object === "Bun" && ["spawn", "spawnSync", "$"].includes(member) && path !== STARTS_ITSELF) {
    return "starts processes";
  }
  return member === "setns" && path !== "ffi/netns.ts" ? "calls setns" : null;
}

/** A postfix "!": right behind a value, and no part of "!=". */
function isAssertion(tokens: readonly Token[], at: number): boolean {
  const [before, token, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
  if (token?.text !== "!" || !token.joined || before === undefined) return false;
  const isValue = before.kind === "word" || before.text === ")" || before.text === "]";
  return isValue && after?.kind !== "word";
}

/** Whether the "as" at this place is that of `export { a as b }`. */
function isRename(tokens: readonly Token[], at: number): boolean {
  const open = tokens.findLastIndex(({ kind, text }, index) => index < at && kind !== "word" && text !== ",");
  return tokens[open]?.text === "{" && tokens[open - 1]?.text === "export";
}

/** `ffi`, `main`, the folder under src/, or the path where it is in none of them. */
function partOf(path: string): string {
  return /^(ffi)\/|^src\/(?:([^/]+)\/|(main)\.ts$)/.exec(path)?.slice(1).find(Boolean) ?? path;
}

function levelOf(part: string): number {
  return LEVELS.findIndex((parts) => parts.includes(part));
}
