import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import lock from "../package-lock.json" with { type: "json" };
import { build } from "./build.ts";
import { run } from "./bun-for.ts";
import { sectionOf } from "./changelog.ts";
import { makeDeb, timeOf } from "./deb.ts";

const TOP = join(import.meta.dir, "..");

/** What a release is looked at for before anything is made. */
export interface Candidate {
  readonly version: string;
  readonly changelog: string;
  /** Files that differ from the commit. */
  readonly changed: readonly string[];
  /** Tags of the commit. */
  readonly tags: readonly string[];
}

/** Why this is no release; none: it is one. */
export function releaseFaults({ version, changelog, changed, tags }: Candidate): string[] {
  const faults: string[] = [];
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version))
    faults.push(`${version} in package.json is no semantic version`);
  if (sectionOf(changelog, version) === null) faults.push(`CHANGELOG.md has no section "## [${version}]"`);
  if (/^- /m.test(sectionOf(changelog, "Unreleased") ?? "")) {
    faults.push(`CHANGELOG.md has lines below [Unreleased]: they belong to ${version} or to a later commit`);
  }
  if (changed.length > 0) faults.push(`not committed: ${changed.join(", ")}`);
  if (!tags.includes(`v${version}`)) faults.push(`the commit is not tagged v${version}`);
  return faults;
}

/** A CycloneDX bill of what is in the executables: npm's own, and Bun, which it takes for a tool alone. */
export function billOfMaterials(fromNpm: string, version: string, time: number): string {
  const { serialNumber: _, ...bill } = JSON.parse(fromNpm);
  const bun = lock.packages["node_modules/bun"];
  bill.metadata.timestamp = new Date(time * 1000).toISOString();
  // npm calls it by its folder.
  const component = {
    ...bill.metadata.component,
    name: manifest.name,
    version,
    "bom-ref": `${manifest.name}@${version}`,
  };
  const [root] = bill.dependencies.filter(
    ({ ref }: { ref: string }) => ref === bill.metadata.component["bom-ref"],
  );
  if (root !== undefined) root.ref = component["bom-ref"];
  bill.metadata.component = component;
  bill.components.push({
    "bom-ref": `bun@${bun.version}`,
    type: "platform",
    name: "bun",
    version: bun.version,
    description: "The runtime that the executable is made of",
    purl: `pkg:npm/bun@${bun.version}`,
    licenses: [{ license: { id: "MIT" } }],
  });
  return `${JSON.stringify(bill, null, 2)}\n`;
}

/** Lines as sha256sum(1) writes and checks them. */
export function checksums(paths: readonly string[]): string {
  return paths
    .map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${basename(path)}\n`)
    .join("");
}

/** Everything of a release, in `folder`; gives the paths. */
async function make(folder: string, commit: string | null): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { version } = manifest;
  const made: string[] = [];
  for (const architecture of ["x64", "arm64"] as const) {
    const executable = join(folder, `netdevd-${version}-linux-${architecture}`);
    await build({ architecture, out: executable, commit });
    made.push(
      executable,
      await makeDeb({ architecture, executable, folder, version, time: timeOf(TOP), level: 9 }),
    );
  }
  const bill = join(folder, `netdevd-${version}.cdx.json`);
  const sbom = ["npm", "sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"];
  writeFileSync(bill, billOfMaterials(run(sbom, { cwd: TOP }), version, timeOf(TOP)));
  const notes = join(folder, `netdevd-${version}.md`);
  writeFileSync(notes, `${sectionOf(readFileSync(join(TOP, "CHANGELOG.md"), "utf8"), version) ?? ""}\n`);
  const licence = join(folder, "LICENSE");
  copyFileSync(join(TOP, "LICENSE"), licence);
  made.push(bill, notes, licence);
  writeFileSync(join(folder, "SHA256SUMS"), checksums(made));
  return [...made, join(folder, "SHA256SUMS")];
}

if (import.meta.main) {
  const git = (...args: string[]) =>
    run(["git", ...args], { cwd: TOP })
      .split("\n")
      .filter(Boolean);
  const faults = releaseFaults({
    version: manifest.version,
    changelog: readFileSync(join(TOP, "CHANGELOG.md"), "utf8"),
    changed: git("status", "--porcelain").map((line) => line.slice(3)),
    tags: git("tag", "--points-at", "HEAD"),
  });
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exit(1);
  const { exitCode } = Bun.spawnSync(["npm", "run", "check"], {
    cwd: TOP,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (exitCode !== 0) process.exit(1);
  const [commit = null] = git("rev-parse", "--short=12", "HEAD");
  for (const path of await make(join(TOP, "dist", manifest.version), commit))
    console.log(path.slice(TOP.length + 1));
}
