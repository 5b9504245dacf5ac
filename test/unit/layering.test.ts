import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { breachesOf } from "./layering/rules.ts";
import { tokensOf } from "./layering/tokens.ts";

const TOP = join(import.meta.dir, "../..");

// The rules of the house, which the README tells: imports only go down, and what the linter does not look for.

describe("what is there", () => {
  const paths = [...new Bun.Glob("{ffi,src,config}/**/*.{ts,tsx,js,mjs,cjs}").scanSync(TOP)].sort();

  test("is read as a whole", () => {
    for (const path of ["ffi/libc.ts", "src/main.ts", "src/domain/plan.ts", "src/engine/executor.ts"]) {
      expect(paths).toContain(path);
    }
  });

  test("and is told from texts and comments: brackets pair up", () => {
    for (const path of paths) {
      const open: string[] = [];
      for (const { kind, text } of tokensOf(readFileSync(join(TOP, path), "utf8")).tokens) {
        if (kind !== "mark") continue;
        if ("([{".includes(text)) open.push(text);
        if (")]}".includes(text)) expect(`${path}: ${open.pop()}${text}`).toMatch(/: (\(\)|\[\]|\{\})$/);
      }
      expect(open).toEqual([]);
    }
  });

  test.each(paths)("%s", (path) => {
    expect(breachesOf({ path, text: readFileSync(join(TOP, path), "utf8") })).toEqual([]);
  });
});

/** `[path, source]` that is right, and `[path, source, what is wrong]`. */
const IMPORTS: readonly (readonly [string, string, string?])[] = [
  ["ffi/a.ts", 'import { ptr } from "bun:ffi";\nimport { b } from "./b.ts";'],
  ["ffi/a.ts", 'import type { D } from "../src/domain/d.ts";', "ffi may not import domain"],
  [
    "src/netlink/a.ts",
    'import { struct } from "../../ffi/layout.ts";\nimport type { D } from "../domain/d.ts";',
  ],
  ["src/netlink/a.ts", 'import { ptr } from "bun:ffi";', 'netlink may not import "bun:ffi"'],
  ["src/netlink/a.ts", 'import { E } from "../engine/e.ts";', "netlink may not import engine"],
  ["src/domain/a.ts", 'import { b, type C } from "./b.ts";'],
  ["src/domain/a.ts", 'import type { L } from "../netlink/link.ts";', "domain may not import netlink"],
  ["src/domain/a.ts", 'import { errno } from "../../ffi/errno.ts";', "domain may not import ffi"],
  [
    "src/domain/a.ts",
    'import { join } from "node:path";',
    'domain imports nothing outside itself, and "node:path" is',
  ],
  [
    "src/domain/a.ts",
    'import * as v from "valibot";',
    'domain imports nothing outside itself, and "valibot" is',
  ],
  ["src/config/a.ts", 'import * as v from "valibot";\nimport { parse } from "smol-toml";'],
  ["src/config/a.ts", 'import { s } from "../spool/s.ts";', "config may not import spool"],
  ["src/spool/a.ts", 'import { e } from "../engine/e.ts";', "spool may not import engine"],
  ["src/engine/a.ts", 'import type { Config } from "../config/config.ts";', "engine may not import config"],
  ["src/engine/a.ts", 'import { Database } from "bun:sqlite";\nimport { x } from "../../ffi/netns.ts";'],
  ["src/spool/a.ts", 'import { Database } from "bun:sqlite";', 'spool may not import "bun:sqlite"'],
  ["src/http/a.ts", 'import { Hono } from "hono";\nimport { sse } from "hono/streaming";'],
  ["src/http/a.ts", 'import { d } from "../service/d.ts";', "http may not import service"],
  ["src/service/a.ts", 'import { app } from "../http/app.ts";\nimport { e } from "../engine/e.ts";'],
  ["src/service/a.ts", 'import { Hono } from "hono";', 'service may not import "hono"'],
  ["src/service/a.ts", 'import { run } from "../cli/run.ts";', "service may not import cli"],
  [
    "src/cli/a.ts",
    'import manifest from "../../package.json" with { type: "json" };\nimport { x } from "../../ffi/x.ts";',
  ],
  [
    "src/http/a.ts",
    'import manifest from "../../package.json" with { type: "json" };',
    "http may not import package.json",
  ],
  ["src/main.ts", 'import { run } from "./cli/run.ts";'],
  ["src/main.ts", 'import { daemon } from "./service/daemon.ts";', "main may not import service"],
  ["src/config/a.ts", 'import "../engine/e.ts";', "config may not import engine"],
  ["src/config/a.ts", 'const e = await import("../engine/e.ts");', "config may not import engine"],
  ["src/config/a.ts", 'type E = import("../engine/e.ts").E;', "config may not import engine"],
  ["src/config/a.ts", 'new URL("../engine/e.ts", import.meta.url);', "config may not import engine"],
  ["src/config/a.ts", 'import {\n  a,\n  b as c,\n}\nfrom "../engine/e.ts";', "config may not import engine"],
  ["src/config/a.ts", 'import d, { a } from "../engine/e.ts";', "config may not import engine"],
  ["src/config/a.ts", 'import * as all from "../engine/e.ts";', "config may not import engine"],
  ["src/config/a.ts", '// import { e } from "../engine/e.ts";\nconst text = `import "../engine/e.ts"`;'],
  ["src/engine/a.ts", 'import { x } from "left-pad";', 'engine may not import "left-pad"'],
  ["src/engine/a.ts", 'import { test } from "bun:test";', 'engine may not import "bun:test"'],
  ["src/engine/a.ts", 'import { spawn } from "node:child_process";', "starts processes"],
  ["src/engine/a.ts", 'export * from "./b.ts";', 'passes "./b.ts" on: import from where it is'],
  ["src/engine/a.ts", 'export { b } from "./b.ts";', 'passes "./b.ts" on: import from where it is'],
  ["src/engine/a.ts", 'export type { B } from "./b.ts";', 'passes "./b.ts" on: import from where it is'],
  ["src/engine/a.ts", 'const from = 1;\nexport { from };\nexport type Q = "x";'],
];

const CODE: readonly (readonly [string, string, string?])[] = [
  ["src/util/a.ts", "a();", "is in no part of the house"],
  ["config/a.js", "a();", "is in no part of the house"],
  ["src/engine/a.ts", "export default 1;", "has a default export"],
  ["src/engine/a.ts", "switch (a) { default: b(); }"],
  ["src/engine/a.ts", "const a = [1] as const;"],
  ["src/engine/a.ts", "const a = b as C;", "casts with `as`, and no comment before it says why"],
  ["src/engine/a.ts", "// The worker answers with nothing else.\nconst a = b as C;"],
  [
    "src/engine/a.ts",
    "/** One. */\nconst a = 1;\nconst d = b as C; // Because.",
    "casts with `as`, and no comment before it says why",
  ],
  ["src/engine/a.ts", "import { a as b } from './b.ts';\nexport { b as c };\nconst x = { as: 1 }.as;"],
  ["src/engine/journal.ts", "const a = b as C;"],
  ["src/netlink/a.ts", "const a = b as C;"],
  ["ffi/a.ts", "const a = b as C;"],
  ["src/engine/a.ts", ['const a = "b as C"; // b as C\nconst d = `b as $', '{"C"} as D`;'].join("")],
  [
    "src/engine/a.ts",
    ["const a = `$", "{`$", "{b as C}`}`;"].join(""),
    "casts with `as`, and no comment before it says why",
  ],
  ["src/engine/a.ts", "a!.b;", "asserts with ! what may not be so"],
  ["src/engine/a.ts", "f(a)!;", "asserts with ! what may not be so"],
  ["src/engine/a.ts", "a[0]! + 1;", "asserts with ! what may not be so"],
  ["src/engine/a.ts", "let a!: string;", "asserts with ! what may not be so"],
  ["src/engine/a.ts", "if (!a || b !== c || d != e) return !f;\nconst g = [!h, !(i)];"],
  ["src/engine/a.ts", "function f(a: any) {}", "has the type any, and no comment before it says why"],
  ["src/engine/a.ts", "const a: Array<any> = [];", "has the type any, and no comment before it says why"],
  ["src/engine/a.ts", "const a = { any: 1 }.any;\ninterface B { readonly any?: boolean }\n// any\nf('any');"],
  ["src/engine/a.ts", 'Bun.spawn(["ip"]);', "starts processes"],
  ["src/service/drill/watchdog-process.ts", 'Bun.spawn({ cmd: ["/proc/self/exe"] });'],
  ["src/engine/a.ts", "await Bun.$`ip link`;", "starts processes"],
  ["src/engine/a.ts", 'readdirSync("/sys/class/net");', "reads /sys/class/net"],
  ["src/engine/a.ts", ["read(`/sys/class/net/$", "{name}/mtu`);"].join(""), "reads /sys/class/net"],
  ["src/engine/a.ts", "// Never /sys/class/net: it shows another namespace.\nf();"],
  ["src/engine/a.ts", "libc.setns(fd, 0);", "calls setns"],
  ["ffi/poll.ts", "const a = libc.setns(fd, 0);", "calls setns"],
  ["ffi/netns.ts", "libc.setns(fd, 0);"],
  ["ffi/libc.ts", 'const table = { setns: { args: ["i32", "i32"] } };'],
  ["src/engine/a.ts", "a();\n".repeat(250)],
  ["src/engine/a.ts", "a();\n".repeat(251), "is longer than 250 lines"],
  [
    "src/engine/a.ts",
    'const quote = /["`]/.test(a) ? b / c / d : e as F;',
    "casts with `as`, and no comment before it says why",
  ],
];

describe.each([
  ["imports", IMPORTS],
  ["code", CODE],
])("%s", (_, cases) => {
  test.each(cases.map(([path, text, what]) => [path, text, what ?? "is right"] as const))(
    "%s: %j: %s",
    (path, text, what) => {
      const found = breachesOf({ path, text }).map((breach) => breach.replace(/^[^:]*:\d+: /, ""));
      expect(found).toEqual(what === "is right" ? [] : [what]);
    },
  );
});

test("a breach is told with its file and line", () => {
  const text = '\n/* two\nlines */\nimport { e } from "../engine/e.ts";\nconst a = `\n`;\nb!;\n';
  expect(breachesOf({ path: "src/config/a.ts", text })).toEqual([
    "src/config/a.ts:4: config may not import engine",
    "src/config/a.ts:7: asserts with ! what may not be so",
  ]);
});
