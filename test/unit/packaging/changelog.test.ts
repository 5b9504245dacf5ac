import { expect, test } from "bun:test";
import { changelogText, sectionOf } from "../../../packaging/changelog.ts";

const CHANGELOG = `# Changelog

## [Unreleased]

### Add

- One thing.
- Another thing with a very long description that does not fit on one line of a Debian changelog,
  and that goes on here.

## [0.1.0] - 2026-11-24

### Fix

- A fault.
`;

const facts = { maintainer: "A B <a@b.invalid>", time: 1_795_500_000 };

test("the section of a version is found, and none that is not there", () => {
  expect(sectionOf(CHANGELOG, "0.1.0")).toBe("### Fix\n\n- A fault.");
  expect(sectionOf(CHANGELOG, "0.1")).toBeNull();
});

test("a version's changes are told as deb-changelog(5) has them", () => {
  expect(changelogText(CHANGELOG, { ...facts, version: "0.1.0" })).toBe(
    `netdevd (0.1.0) unstable; urgency=medium

  Fix:
  * A fault.

 -- A B <a@b.invalid>  ${new Date(facts.time * 1000).toUTCString().replace("GMT", "+0000")}
`,
  );
});

test("those of a version that is not released are, without a line that is too long", () => {
  const text = changelogText(CHANGELOG, { ...facts, version: "0.2.0" });
  expect(text).toStartWith(
    "netdevd (0.2.0) unstable; urgency=medium\n\n  Add:\n  * One thing.\n  * Another thing with",
  );
  expect(text).toContain("\n    ");
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(80);
});
