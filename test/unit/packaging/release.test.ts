import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { run } from "../../../packaging/bun-for.ts";
import { billOfMaterials, checksums, releaseFaults } from "../../../packaging/release.ts";

const GOOD = {
  version: "1.2.3",
  changelog: "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-24\n\n- A change.\n",
  changed: [],
  tags: ["v1.2.3"],
};

test.each([
  ["a version that is none", { version: "1.2" }, "1.2 in package.json is no semantic version"],
  [
    "a version without a section",
    { version: "1.2.4", tags: ["v1.2.4"] },
    'CHANGELOG.md has no section "## [1.2.4]"',
  ],
  [
    "changes that are in no version yet",
    { changelog: GOOD.changelog.replace("[Unreleased]\n", "[Unreleased]\n\n- Another.\n") },
    "CHANGELOG.md has lines below [Unreleased]: they belong to 1.2.3 or to a later commit",
  ],
  ["changed files", { changed: ["README.md"] }, "not committed: README.md"],
  ["no tag", { tags: ["v1.2.2"] }, "the commit is not tagged v1.2.3"],
])("%s is no release", (_, change, fault) => {
  expect(releaseFaults({ ...GOOD, ...change })).toContain(fault);
});

test("one with all of it is", () => {
  expect(releaseFaults(GOOD)).toEqual([]);
});

test("the bill names Bun and all packages that are built in, the same each time", () => {
  const sbom = ["npm", "sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"];
  const bill = () =>
    billOfMaterials(run(sbom, { cwd: join(import.meta.dir, "../../..") }), "1.2.3", 1_795_500_000);
  const text = bill();
  const { bomFormat, metadata, components } = JSON.parse(text);
  expect(bomFormat).toBe("CycloneDX");
  expect(metadata.component).toMatchObject({ name: "netdevd", version: "1.2.3" });
  const names = components.map(({ name }: { name: string }) => name);
  for (const name of [...Object.keys(manifest.dependencies), "bun"]) expect(names).toContain(name);
  expect(names).not.toContain("typescript");
  expect(bill()).toBe(text);
}, 30_000);

test("checksums are such as sha256sum checks", () => {
  const folder = mkdtempSync(join(tmpdir(), "netdevd-release-"));
  try {
    writeFileSync(join(folder, "a"), "1");
    writeFileSync(join(folder, "b"), "2");
    writeFileSync(join(folder, "SHA256SUMS"), checksums([join(folder, "a"), join(folder, "b")]));
    expect(run(["sha256sum", "--check", "SHA256SUMS"], { cwd: folder })).toBe("a: OK\nb: OK\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
