import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { build } from "../../packaging/build.ts";
import { makeDeb } from "../../packaging/deb.ts";

/** Debian packages of this checkout. */
export interface Packages extends Disposable {
  readonly folder: string;
  /** File name of the one with the version of package.json. */
  readonly current: string;
  /** And of one with a later version. */
  readonly next: string;
  readonly nextVersion: string;
}

/** Builds them into a folder of their own. */
export async function buildPackages(): Promise<Packages> {
  const folder = mkdtempSync(join(tmpdir(), "netdevd-packages-"));
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const executable = join(folder, "netdevd");
  const nextVersion = `${manifest.version}+next`;
  await build({ architecture, out: executable, commit: null });
  const facts = { architecture, executable, folder, time: Math.floor(Date.now() / 1000), level: 1 } as const;
  const current = await makeDeb({ ...facts, version: manifest.version });
  const next = await makeDeb({ ...facts, version: nextVersion });
  rmSync(executable);
  return {
    folder,
    current: basename(current),
    next: basename(next),
    nextVersion,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
