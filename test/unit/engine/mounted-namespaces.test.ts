import { expect, test } from "bun:test";
import { mountedNamespaces } from "../../../src/engine/mounted-namespaces.ts";

// What something else is mounted over cannot be opened by its path: that would lead through the upper file system, and
// where nobody answers for that (FUSE, NFS) the kernel's thread would wait for ever.

const ROOT = "29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw";
const RUN = "24 29 0:22 / /run rw,nosuid shared:2 - tmpfs tmpfs rw";
const FOLDER = "40 24 0:22 /netns /run/netns rw shared:2 - tmpfs tmpfs rw";
const INNER = "50 40 0:4 net:[4026532001] /run/netns/inner rw shared:3 - nsfs nsfs rw";
const BESIDE = "51 40 0:4 net:[4026532002] /run/netns/inner2 rw shared:4 - nsfs nsfs rw";
const inner = ["net:[4026532001]", "/run/netns/inner"] as const;
const beside = ["net:[4026532002]", "/run/netns/inner2"] as const;

function found(...lines: readonly string[]) {
  return mountedNamespaces(lines.map((line) => `${line}\n`).join(""));
}

test("network namespaces are found where they are mounted, and nothing else is", () => {
  const mnt = "52 40 0:4 mnt:[4026532003] /run/netns/other rw - nsfs nsfs rw";
  expect(found(ROOT, RUN, FOLDER, INNER, mnt, BESIDE)).toEqual([inner, beside]);
  expect(found(ROOT, RUN)).toEqual([]);
  expect(found()).toEqual([]);
});

test("the order of the lines is not the one in which things were mounted over each other", () => {
  expect(found(INNER, RUN, FOLDER, BESIDE, ROOT)).toEqual([inner, beside]);
});

test("blanks and the like are told in octal, and are none of the path's ends", () => {
  const odd = "53 40 0:4 net:[4026532001] /run/netns/a\\040b\\134c rw - nsfs nsfs rw";
  expect(found(ROOT, RUN, FOLDER, odd)).toEqual([["net:[4026532001]", "/run/netns/a b\\c"]]);
  const upper = "60 24 0:50 / /run/a\\040b rw - fuse.nobody nobody rw";
  const folder = "54 24 0:22 / /run/a\\040b rw - tmpfs tmpfs rw";
  const below = "55 54 0:4 net:[4026532001] /run/a\\040b/x rw - nsfs nsfs rw";
  expect(found(ROOT, RUN, folder, below)).toEqual([["net:[4026532001]", "/run/a b/x"]]);
  expect(found(ROOT, RUN, folder, below, upper.replace("60 24", "60 54"))).toEqual([]);
});

for (const [what, line] of [
  ["its folder", "60 40 0:50 / /run/netns rw - fuse.nobody nobody rw"],
  ["a folder above that", "60 24 0:50 / /run rw - nfs4 nobody:/ rw"],
  ["the folder's file system, below the folder's own mount", "60 24 0:50 / /run rw - tmpfs tmpfs rw"],
] as const) {
  test(`what is below ${what} is left out once something is mounted over that`, () => {
    expect(found(ROOT, RUN, FOLDER, INNER, BESIDE, line)).toEqual([]);
    const own = "61 60 0:4 net:[4026532009] /run/netns/own rw - nsfs nsfs rw";
    expect(found(ROOT, RUN, FOLDER, INNER, BESIDE, line, own)).toEqual([
      ["net:[4026532009]", "/run/netns/own"],
    ]);
  });
}

test("what is mounted over itself is left out, and its neighbour is not", () => {
  const file = "60 50 0:50 /file /run/netns/inner rw - fuse.nobody nobody rw";
  expect(found(ROOT, RUN, FOLDER, INNER, BESIDE, file)).toEqual([beside]);
});

test("a namespace mounted over another one counts", () => {
  const upper = "60 50 0:4 net:[4026532009] /run/netns/inner rw - nsfs nsfs rw";
  expect(found(ROOT, RUN, FOLDER, INNER, upper)).toEqual([["net:[4026532009]", "/run/netns/inner"]]);
});

test("a root that was mounted after what is in it hides nothing: switch_root(8), pivot_root(2)", () => {
  const moved = "70 29 0:4 net:[4026532001] /run/netns/inner rw - nsfs nsfs rw";
  expect(found(moved, ROOT)).toEqual([inner]);
});

test("in a chroot the mount that its root is in is not told; a root may be its own parent", () => {
  const first = "50 29 0:4 net:[4026532001] /run/netns/inner rw - nsfs nsfs rw";
  expect(found(first)).toEqual([inner]);
  expect(found(first, "60 29 0:50 / /run rw - fuse.nobody nobody rw")).toEqual([]);
  expect(found("29 29 0:2 / / rw - rootfs rootfs rw", first)).toEqual([inner]);
});

test("what is mounted over the root is not come to from the root", () => {
  const over = "60 29 0:50 / / rw - fuse.nobody nobody rw";
  const within = "61 60 0:4 net:[4026532009] /own rw - nsfs nsfs rw";
  expect(found(ROOT, RUN, FOLDER, INNER, over, within)).toEqual([inner]);
});

test("lines of two moments, which lead in a circle, end all the same", () => {
  const circle = ["60 61 0:50 / /run rw - tmpfs tmpfs rw", "61 60 0:50 / /run rw - tmpfs tmpfs rw"];
  const within = "62 60 0:4 net:[4026532009] /run/own rw - nsfs nsfs rw";
  expect(found(ROOT, ...circle, within)).toEqual([]);
});
