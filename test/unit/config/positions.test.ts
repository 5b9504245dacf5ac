import { describe, expect, test } from "bun:test";
import { positionsOf } from "../../../src/config/positions.ts";

const text = `top = 1
[daemon]
spool = "/x"   # comment
dotted.key = [1, { a = 2 }]

[[mapping]]
name = "a"
  [mapping.container]
  id = "b"
  [[mapping.device]]
  mtu = 1
  [[mapping.device]]
  "quoted key" = """
two lines"""
[[mapping]]
container = { id = "é😀", bundle = "x" }
`;

const cases: [(string | number)[], "key" | "value", string][] = [
  [["top"], "key", "1:1"],
  [["top"], "value", "1:7"],
  [["daemon"], "value", "2:1"],
  [["daemon"], "key", "2:2"],
  [["daemon", "spool"], "value", "3:9"],
  [["daemon", "dotted"], "value", "4:1"],
  [["daemon", "dotted", "key"], "key", "4:8"],
  [["daemon", "dotted", "key"], "value", "4:14"],
  [["daemon", "dotted", "key", 0], "value", "4:15"],
  [["daemon", "dotted", "key", 1, "a"], "value", "4:24"],
  [["mapping"], "value", "6:1"],
  [["mapping", 0], "value", "6:1"],
  [["mapping", 0, "container"], "key", "8:12"],
  [["mapping", 0, "container"], "value", "8:3"],
  [["mapping", 0, "device", 1], "value", "12:3"],
  [["mapping", 0, "device", 1, "quoted key"], "key", "13:3"],
  [["mapping", 0, "device", 1, "quoted key"], "value", "13:18"],
  [["mapping", 1], "key", "15:3"],
  [["mapping", 1, "container", "bundle"], "value", "16:36"],
];

describe("positionsOf", () => {
  test.each(cases)("%j, its %s", async (path, at, place) => {
    const { line, column } = (await positionsOf(text))(path, at);
    expect(`${line}:${column}`).toBe(place);
  });

  test("what is missing is where the nearest thing around it is", async () => {
    const positions = await positionsOf(text);
    expect(positions(["mapping", 1, "name"], "key")).toEqual({ line: 15, column: 1 });
    expect(positions(["mapping", 0, "device", 0, "match", "name"], "value")).toEqual({ line: 10, column: 3 });
    expect(positions(["nowhere"], "value")).toEqual({ line: 1, column: 1 });
    expect(positions([], "value")).toEqual({ line: 1, column: 1 });
  });

  test("lines that end in CR LF count as one", async () => {
    expect((await positionsOf("a = 1\r\nb = 2\r\n"))(["b"], "value")).toEqual({ line: 2, column: 5 });
  });

  test("a text that cannot be parsed is all in its first line", async () => {
    expect((await positionsOf("a = = 1"))(["a"], "value")).toEqual({ line: 1, column: 1 });
  });
});
