import { expect } from "bun:test";
import type { Config } from "../../../src/config/config.ts";
import { type Fault, formatFault } from "../../../src/config/fault.ts";
import { type ConfigFiles, type LoadResult, loadConfig } from "../../../src/config/load.ts";
import { refusedBySchema } from "./by-schema.ts";

/** The folder that the files of {@link load} are in. */
export const FOLDER = "/etc/netdevd";

/** A file system of these files, named as from {@link FOLDER}. */
export function givenFiles(texts: Readonly<Record<string, string>>): ConfigFiles {
  return {
    async readText(file) {
      const text = texts[file.slice(FOLDER.length + 1)];
      if (text === undefined) throw new Error(`ENOENT: no such file or directory, open '${file}'`);
      return text;
    },
    async list(folder) {
      const prefix = `${folder.slice(FOLDER.length + 1)}/`;
      return Object.keys(texts).flatMap((name) =>
        name.startsWith(prefix) ? [name.slice(prefix.length)] : [],
      );
    },
  };
}

export function load(texts: Readonly<Record<string, string>>): Promise<LoadResult> {
  return loadConfig(`${FOLDER}/netdevd.toml`, givenFiles(texts));
}

/** The config of a main file that is right. */
export async function configOf(text: string): Promise<Config> {
  const result = await load({ "netdevd.toml": text });
  if (!result.ok) throw new Error(result.faults.map(formatFault).join("\n"));
  expect(refusedBySchema(text)).toBeNull();
  return result.config;
}

/** The faults of a main file; none where it is right. The JSON Schema refuses it too, where it has words for one. */
export async function faultsOf(text: string): Promise<readonly Fault[]> {
  const result = await load({ "netdevd.toml": text });
  const faults = result.ok ? [] : result.faults;
  const refused = refusedBySchema(text) !== null;
  expect(refused, `${text}: ${faults.map(formatFault).join("; ")}`).toBe(!faults.every(isBeyondSchemas));
  return faults;
}

/** What JSON Schema cannot say: what stands in two places, and what takes arithmetic. */
const BEYOND_SCHEMAS: readonly RegExp[] = [
  / is (taken by|the name inside of|the folder of) /,
  /^".*" is there already$/,
  / is a multicast address$/,
  / has bits beyond its prefix$/,
  /^the route is of IPv[46]$/,
  /^IPv6 has no dotted masks$|^33 is no prefix length of IPv4$/,
];

function isBeyondSchemas(fault: Fault): boolean {
  return BEYOND_SCHEMAS.some((one) => one.test(fault.message));
}

/** Stands in the text of a test where a fault is to be told. */
const MARK = "‸";

/** `text` without its marks, and the `LINE:COL` of each. */
export function marked(text: string): { text: string; places: string[] } {
  const places: string[] = [];
  const lines = text.split("\n").map((line, at) => {
    const parts = line.split(MARK);
    let column = 1;
    for (const part of parts.slice(0, -1)) {
      column += part.length;
      places.push(`${at + 1}:${column}`);
    }
    return parts.join("");
  });
  return { text: lines.join("\n"), places };
}

/** A main file of one mapping with one device that says `device`. */
export function withDevice(device: string): string {
  return `[[mapping]]\nname = "m"\ncontainer = { id = "c" }\n[[mapping.device]]\n${device}\n`;
}

/** A main file of one mapping that says `mapping`, after its name and container. */
export function withMapping(mapping: string): string {
  return `[[mapping]]\nname = "m"\ncontainer = { id = "c" }\n${mapping}\n`;
}
