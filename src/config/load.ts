import { dirname, join } from "node:path/posix";
import * as v from "valibot";
import { findingsAcross } from "./across-files.ts";
import { type Config, DEFAULT_CONFIG } from "./config.ts";
import { type Fault, formatFault } from "./fault.ts";
import { type FileConfig, fileSchema } from "./file-schema.ts";
import type { Finding, Source } from "./finding.ts";
import { locate } from "./locate.ts";
import { parseToml } from "./toml.ts";
import { whatItIs } from "./toml-value.ts";

/** The files that a config is read from; what goes wrong is thrown, as an Error that says why. */
export interface ConfigFiles {
  /** The text of `file`, which is UTF-8. */
  readonly readText: (file: string) => Promise<string>;
  /** The names in `folder`; none where there is no such folder. */
  readonly list: (folder: string) => Promise<readonly string[]>;
}

/** A config, or everything that is wrong with it, in the order of files and lines. */
export type LoadResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/**
 * The config of `file` and of each `conf.d/*.toml` beside it, in the order of their names.
 *
 * Mappings add up over the files; a setting that is given twice is a fault.
 */
export async function loadConfig(file: string, files: ConfigFiles): Promise<LoadResult> {
  const { names, unlisted } = await filesOf(file, files);
  const read = await Promise.all(names.map((name) => readSource(name, files)));
  const sources: Source[] = [];
  const unread: Fault[] = [...unlisted];
  for (const result of read) {
    if ("table" in result) sources.push(result);
    else unread.push(result);
  }
  const configs: FileConfig[] = [];
  const findings: Finding[] = [...findingsAcross(sources)];
  for (const source of sources) {
    const result = v.safeParse(fileSchema, source.table);
    if (result.success) configs.push(result.output);
    else for (const issue of result.issues) findings.push(findingOf(source, issue));
  }
  if (unread.length + findings.length === 0) return { ok: true, config: merge(configs) };
  return { ok: false, faults: inOrder([...unread, ...(await locate(findings))], names) };
}

interface Listing {
  readonly names: readonly string[];
  readonly unlisted: readonly Fault[];
}

/** The main file, then those of `conf.d`. Hidden ones are what editors leave behind. */
async function filesOf(main: string, files: ConfigFiles): Promise<Listing> {
  const folder = join(dirname(main), "conf.d");
  try {
    const listed = await files.list(folder);
    const names = listed.filter((name) => name.endsWith(".toml") && !name.startsWith("."));
    return { names: [main, ...names.toSorted().map((name) => join(folder, name))], unlisted: [] };
  } catch (error) {
    return { names: [main], unlisted: [unreadable(folder, error, "folder")] };
  }
}

async function readSource(file: string, files: ConfigFiles): Promise<Source | Fault> {
  try {
    return parseToml(file, await files.readText(file));
  } catch (error) {
    return unreadable(file, error, "file");
  }
}

function unreadable(file: string, error: unknown, kind: "file" | "folder"): Fault {
  const why = error instanceof Error ? error.message : String(error);
  return {
    file,
    line: 1,
    column: 1,
    path: "",
    message: `cannot be read: ${why}`,
    expected: `a readable ${kind}`,
  };
}

function findingOf(source: Source, issue: v.BaseIssue<unknown>): Finding {
  const items = issue.path ?? [];
  const path = items.map(({ key }) => (typeof key === "number" ? key : String(key)));
  // Rules and parsers say in their own words what they refuse; of all else the message is what was expected.
  const told = issue.type === "raw_check" || issue.type === "raw_transform";
  return {
    source,
    path,
    at: items.at(-1)?.origin ?? "value",
    message: told ? issue.message : whatItIs(issue.input),
    expected: told ? (issue.expected ?? "") : issue.message,
    other: null,
  };
}

function inOrder(faults: readonly Fault[], names: readonly string[]): readonly Fault[] {
  const rank = new Map(names.map((name, at) => [name, at]));
  const once = new Map(faults.map((fault) => [formatFault(fault), fault]));
  // conf.d itself, which is none of the names, comes after the main file.
  return [...once.values()].sort(
    (a, b) => (rank.get(a.file) ?? 1) - (rank.get(b.file) ?? 1) || a.line - b.line || a.column - b.column,
  );
}

function merge(configs: readonly FileConfig[]): Config {
  let { daemon, http, oci } = DEFAULT_CONFIG;
  for (const config of configs) {
    daemon = { ...daemon, ...config.daemon };
    http = { ...http, ...config.http };
    oci = { ...oci, ...config.oci };
  }
  return { daemon, http, oci, mappings: configs.flatMap(({ mapping = [] }) => mapping) };
}
