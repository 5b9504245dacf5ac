/** Keys and array indices that lead from the top of a file to one value. */
export type Path = readonly (string | number)[];

/** One thing that is wrong with the config, and where. */
export interface Fault {
  /** As it was named to the program, or its folder. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units. */
  readonly column: number;
  /** Dot path of the value (`mapping[0].device[1].mtu`); empty where the fault is the file's as a whole. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What was expected in its place. */
  readonly expected: string;
}

/** `FILE:LINE:COL: path: what is wrong, what was expected`. */
export function formatFault(fault: Fault): string {
  const subject = fault.path === "" ? "" : `${fault.path}: `;
  const place = `${fault.file}:${fault.line}:${fault.column}`;
  return `${place}: ${subject}${fault.message}, expected ${fault.expected}`;
}

/** `path` as TOML writes a dotted key, with array indices in brackets. */
export function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += `${text === "" ? "" : "."}${/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part)}`;
  }
  return text;
}

/** A value that nobody wants to read in full does not make a fault unreadable. */
const QUOTE_LIMIT = 80;

/** `text` in quotes on one line, whatever characters it has. */
export function quote(text: string): string {
  return JSON.stringify(text.length > QUOTE_LIMIT ? `${text.slice(0, QUOTE_LIMIT)}…` : text);
}
