import { mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { build } from "../../packaging/build.ts";
import { makeDeb } from "../../packaging/deb.ts";

/** Debian packages of this checkout. */
export interface Packages {
  readonly folder: string;
  /** File name of the one with the version of package.json. */
  readonly current: string;
  /** And of one with a later version. */
  readonly next: string;
}

let built: Promise<Packages> | null = null;

/** Builds them, once for all tests of a run. */
export function packages(): Promise<Packages> {
  built ??= buildPackages();
  return built;
}

async function buildPackages(): Promise<Packages> {
  // In the checkout: nobody tells a module when the last test has ended, and the next run builds over it.
  const folder = join(import.meta.dir, "../../dist/test-packages");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const executable = join(folder, "netdevd");
  await build({ architecture, out: executable, commit: null });
  const facts = { architecture, executable, folder, time: Math.floor(Date.now() / 1000), level: 1 } as const;
  const current = await makeDeb({ ...facts, version: manifest.version });
  const next = await makeDeb({ ...facts, version: `${manifest.version}+next` });
  rmSync(executable);
  return { folder, current: basename(current), next: basename(next) };
}
