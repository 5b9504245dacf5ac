import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskFiles } from "../../../src/config/disk.ts";
import { formatFault } from "../../../src/config/fault.ts";
import { loadConfig } from "../../../src/config/load.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "netdevd-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function told(file: string): Promise<string[]> {
  const result = await loadConfig(join(folder, file), diskFiles);
  return result.ok ? [] : result.faults.map((fault) => formatFault(fault).replaceAll(`${folder}/`, ""));
}

describe("config files on disk", () => {
  test("without a conf.d are the main file alone", async () => {
    await writeFile(join(folder, "alone.toml"), '[http]\ngroup = "g"\n');
    expect(await loadConfig(join(folder, "alone.toml"), diskFiles)).toMatchObject({
      ok: true,
      config: { http: { group: "g" } },
    });
  });

  test("that are missing, folders or no UTF-8 are faults", async () => {
    await mkdir(join(folder, "etc/conf.d/a.toml"), { recursive: true });
    await writeFile(join(folder, "etc/conf.d/b.toml"), Uint8Array.of(0x61, 0xff));
    expect(await told("etc/netdevd.toml")).toEqual([
      "etc/netdevd.toml:1:1: cannot be read: ENOENT: no such file or directory, open 'etc/netdevd.toml', expected a readable file",
      "etc/conf.d/a.toml:1:1: cannot be read: EISDIR: illegal operation on a directory, read, expected a readable file",
      "etc/conf.d/b.toml:1:1: cannot be read: it is no UTF-8 text, expected a readable file",
    ]);
  });

  test("with a conf.d that is no folder are a fault", async () => {
    await mkdir(join(folder, "file"));
    await writeFile(join(folder, "file/netdevd.toml"), "");
    await writeFile(join(folder, "file/conf.d"), "");
    expect(await told("file/netdevd.toml")).toEqual([
      "file/conf.d:1:1: cannot be read: ENOTDIR: not a directory, scandir 'file/conf.d', expected a readable folder",
    ]);
  });
});
