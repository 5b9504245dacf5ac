import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { COMMANDS } from "../../src/cli/commands.ts";
import { type ConfigFiles, loadConfig } from "../../src/config/load.ts";
import { CODES } from "../../src/domain/verdict.ts";
import { createApp } from "../../src/http/app.ts";
import { parseEvent } from "../../src/spool/event-file.ts";
import { verdictSchema } from "../helpers/verdict.ts";

const TOP = join(import.meta.dir, "../..");
const README = readFileSync(join(TOP, "README.md"), "utf8");

/** The text below a heading, up to the next one of its level. */
function section(title: string): string {
  const [, text] = README.split(`\n## ${title}\n`);
  if (text === undefined) throw new Error(`the README has no section "${title}"`);
  return text.split("\n## ")[0] ?? "";
}

/** What the first column of a section's tables has in backticks. */
function rows(title: string): string[] {
  const lines = section(title).split("\n");
  return lines.flatMap((line) => {
    const [, cell = ""] = /^\| (`.*?) \|/.exec(line) ?? [];
    return Array.from(cell.matchAll(/`([^`]+)`/g), ([, code = ""]) => code);
  });
}

/** The blocks of code in one language, without their indentation. */
function blocks(language: string): string[] {
  const found = README.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^ *\`\`\``, "gms"));
  return Array.from(found, ([, indent = "", text = ""]) =>
    text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
}

function filesOf(text: string): ConfigFiles {
  return { readText: async () => text, list: async () => [] };
}

test("the two commands are there once each, on lines of their own", () => {
  const lines = README.split("\n");
  expect(lines.filter((line) => line.endsWith("npm run demo"))).toEqual(["npm ci && npm run demo"]);
  expect(lines.filter((line) => line.endsWith("npm test"))).toEqual([
    "sh test/setup.sh && npm ci && npm test",
  ]);
});

test("every script of npm that is named is one", () => {
  const named = Array.from(README.matchAll(/npm run ([a-z:]+)/g), ([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(3);
  for (const name of named) expect(Object.keys(manifest.scripts)).toContain(name);
});

test("every file and folder of the repository that is named, in CONTRIBUTING.md too, is there", () => {
  const named = Array.from(
    `${README}${readFileSync(join(TOP, "CONTRIBUTING.md"), "utf8")}`.matchAll(
      /`((?:config|ffi|packaging|src|systemd|test)\/[\w./-]*)`/g,
    ),
    ([, path = ""]) => path,
  );
  expect(named.length).toBeGreaterThan(8);
  for (const path of named) expect(existsSync(join(TOP, path)), path).toBe(true);
});

test("the demo's output has the steps of the demo", () => {
  const [output = ""] = blocks("text");
  const told = Array.from(output.matchAll(/^\d\. (.*)$/gm), ([, title]) => title);
  const story = readFileSync(join(TOP, "test/demo/story.ts"), "utf8");
  expect(told).toEqual(Array.from(story.matchAll(/step\("(.*)"\);/g), ([, title]) => title));
});

test("commands: all that there are, and no others", () => {
  const named = rows("Commands").map((code) => /^netdevd (-*[a-z]+)/.exec(code)?.[1]);
  expect(new Set(named)).toEqual(new Set([...COMMANDS.keys(), "--version", "--help"]));
});

test("answers: every outcome and every code, and no others", () => {
  const { outcome } = verdictSchema.entries;
  expect(rows("Events and answers").toSorted()).toEqual([...outcome.options, ...CODES].toSorted());
});

test("HTTP: every path, and no others", () => {
  const app = createApp({
    version: "1.2.3",
    status: () => {
      throw new Error("not asked");
    },
    readiness: () => ({ ready: true, reasons: [] }),
    devices: async () => [],
    events: { open: () => null },
    metrics: () => [],
    report: () => undefined,
  });
  const served = app.routes
    .filter(({ method }) => method === "GET")
    .map(({ path }) => path.replace(":id", "ID"));
  expect(rows("HTTP")).toEqual(served);
});

describe("config", () => {
  // A key that nobody knows is told with all that are known in its place.
  const ASKING = `
    x = 1
    [daemon]
    x = 1
    [http]
    x = 1
    [oci]
    x = 1
    [[mapping]]
    x = 1
    container = { x = 1 }
      [[mapping.device]]
      x = 1
      match = { x = 1 }
    [[mapping]]
    netDevices = [{ x = 1, properties = { x = 1 } }]
  `;

  test("every key is named", async () => {
    const result = await loadConfig("netdevd.toml", filesOf(ASKING));
    const faults = result.ok ? [] : result.faults.filter(({ message }) => message === "unknown key");
    expect(faults).toHaveLength(10);
    const text = section("The config");
    for (const { path, expected } of faults) {
      const known = (expected.split("the nearest of ")[1] ?? "").split(", ");
      for (const key of known) {
        const table = /^(daemon|http|oci|mapping)(\[\d\])?\.x$/.exec(path)?.[1];
        const name = table === undefined ? key : `${table}.${key}`;
        expect(text, `${path}: ${name}`).toMatch(new RegExp(`[\`\\[. ]${name}[\`\\]. ]`));
      }
    }
  });

  test("every example is a good one", async () => {
    const examples = blocks("toml");
    expect(examples).toHaveLength(2);
    for (const text of examples)
      expect(await loadConfig("netdevd.toml", filesOf(text))).toMatchObject({ ok: true });
  });
});

test("every example of an event is one", () => {
  const lines = blocks("json").flatMap((text) => text.trim().split("\n"));
  expect(lines).toHaveLength(3);
  for (const line of lines) {
    expect(parseEvent("e.json", new TextEncoder().encode(line), 0)).toMatchObject({ type: "container" });
  }
});
