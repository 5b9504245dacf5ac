import type { AST } from "toml-eslint-parser";
import type { Path } from "./fault.ts";

/** Counted from 1; columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where the keys and values of one file stand. */
export type Positions = (path: Path, at: "key" | "value") => Position;

const TOP: Position = { line: 1, column: 1 };

/** One key or array element, and what is below it. */
interface Node {
  readonly key: Position;
  readonly value: Position;
  readonly children: Map<string | number, Node>;
}

/**
 * Where everything in `text` stands. What is not there (a key that is missing) is where the nearest thing
 * around it is; a table is where its header or its brace begins.
 *
 * smol-toml, which reads configs, tells no positions; toml-eslint-parser tells them all and is ten times
 * slower, so it is loaded only once there is a fault to be told.
 */
export async function positionsOf(text: string): Promise<Positions> {
  const { parseTOML } = await import("toml-eslint-parser");
  const top: Node = { key: TOP, value: TOP, children: new Map() };
  try {
    addBody(top, parseTOML(text, { tomlVersion: "1.1" }).body[0].body);
  } catch (cause) {
    // The two parsers may differ over a text; a fault without its line is still to be told.
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
  }
  return (path, at) => {
    let node = top;
    for (const [depth, part] of path.entries()) {
      const child = node.children.get(part);
      if (child === undefined) return node.value;
      node = child;
      if (depth === path.length - 1) return node[at];
    }
    return node.value;
  };
}

function addBody(node: Node, body: readonly (AST.TOMLKeyValue | AST.TOMLTable)[]): void {
  for (const item of body) {
    if (item.type === "TOMLTable") addTable(node, item);
    else addKeyValue(node, item);
  }
}

function addTable(top: Node, { key, loc, resolvedKey, body }: AST.TOMLTable): void {
  let node = top;
  let names = 0;
  for (const part of resolvedKey) {
    // A number follows the name of the array that it counts in, and stands where that does.
    const name = typeof part === "string" ? key.keys[names++] : key.keys[names - 1];
    node = child(node, part, start(name?.loc ?? loc), start(loc));
  }
  addBody(node, body);
}

function addKeyValue(node: Node, { key, value }: AST.TOMLKeyValue): void {
  let at = node;
  for (const [depth, part] of key.keys.entries()) {
    const position = start(part.loc);
    const last = depth === key.keys.length - 1;
    const name = part.type === "TOMLBare" ? part.name : part.value;
    at = child(at, name, position, last ? start(value.loc) : position);
  }
  addContent(at, value);
}

function addContent(node: Node, content: AST.TOMLContentNode): void {
  if (content.type === "TOMLInlineTable") addBody(node, content.body);
  if (content.type !== "TOMLArray") return;
  for (const [at, element] of content.elements.entries()) {
    const position = start(element.loc);
    addContent(child(node, at, position, position), element);
  }
}

/** The child of that name; it stands where it was first named. */
function child(node: Node, name: string | number, key: Position, value: Position): Node {
  const known = node.children.get(name);
  if (known !== undefined) return known;
  const added = { key, value, children: new Map<string | number, Node>() };
  node.children.set(name, added);
  return added;
}

function start(loc: AST.SourceLocation): Position {
  return { line: loc.start.line, column: loc.start.column + 1 };
}
