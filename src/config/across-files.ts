import { DEFAULT_CONFIG } from "./config.ts";
import { pathText, quote } from "./fault.ts";
import type { Finding, Place, Source } from "./finding.ts";
import { isTable } from "./toml-value.ts";
import { parseFolder } from "./values.ts";

/** What is wrong with the files of a config taken together, each of which may be right alone. */
export function findingsAcross(sources: readonly Source[]): readonly Finding[] {
  return [...settingsTwice(sources), ...mappingNamesTwice(sources), ...foldersShared(sources)];
}

const SECTIONS = ["daemon", "http", "oci"];

interface Setting extends Place {
  readonly value: unknown;
}

function* settingsOf(sources: readonly Source[]): Iterable<Setting> {
  for (const source of sources) {
    for (const section of SECTIONS) {
      const settings = source.table[section];
      if (!isTable(settings)) continue;
      for (const [key, value] of Object.entries(settings)) yield { source, path: [section, key], value };
    }
  }
}

function* settingsTwice(sources: readonly Source[]): Iterable<Finding> {
  const seen = new Map<string, Place>();
  for (const { source, path } of settingsOf(sources)) {
    const other = seen.get(pathText(path));
    if (other === undefined) seen.set(pathText(path), { source, path });
    else {
      const expected = "each setting once in all files";
      yield { source, path, at: "key", message: "is set already at", other, expected };
    }
  }
}

function* mappingNamesTwice(sources: readonly Source[]): Iterable<Finding> {
  const seen = new Map<string, Place>();
  for (const source of sources) {
    const mappings = Array.isArray(source.table.mapping) ? source.table.mapping : [];
    for (const [at, mapping] of mappings.entries()) {
      const name = isTable(mapping) ? mapping.name : undefined;
      if (typeof name !== "string") continue;
      const path = ["mapping", at, "name"];
      const other = seen.get(name);
      if (other === undefined) seen.set(name, { source, path });
      else {
        const message = `${quote(name)} is the name of a mapping already at`;
        yield { source, path, at: "value", message, other, expected: "a name of its own" };
      }
    }
  }
}

/** Verdicts in the spool would be read as events, and a journal there be refused as one. */
function* foldersShared(sources: readonly Source[]): Iterable<Finding> {
  const daemon = [...settingsOf(sources)].filter(({ path }) => path[0] === "daemon");
  const owners = new Map<string, string>();
  for (const [key, standard] of Object.entries(DEFAULT_CONFIG.daemon)) {
    const setting = daemon.find(({ path }) => path[1] === key);
    const folder = setting === undefined ? standard : folderOf(setting.value);
    if (folder === null) continue;
    const owner = owners.get(folder);
    owners.set(folder, key);
    // Told of the one that the config names: the other may be there by default.
    const told = setting ?? daemon.find(({ path }) => path[1] === owner);
    if (owner === undefined || told === undefined) continue;
    const message = `${quote(folder)} is the folder of ${told === setting ? owner : key} too`;
    const { source, path } = told;
    yield { source, path, at: "value", message, other: null, expected: "a folder of its own" };
  }
}

function folderOf(value: unknown): string | null {
  const folder = typeof value === "string" ? parseFolder(value) : null;
  return folder?.ok === true ? folder.value : null;
}
