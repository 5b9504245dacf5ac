import { expect } from "bun:test";
import { statSync } from "node:fs";
import { namespaceLink } from "../../ffi/netns.ts";
import { waysToNamespaces } from "../../src/engine/ways-to-namespaces.ts";
import { inContainer, startContainer } from "../helpers/container.ts";
import { test } from "../helpers/live-test.ts";
import type { Process } from "../helpers/process.ts";

/** What is mounted in a container and told of: the path there, and whether it leads to a namespace by now. */
function mountedIn({ pid }: Process): Record<string, boolean> {
  const root = `/proc/${pid}/root`;
  const ways = Array.from(waysToNamespaces(namespaceLink("/proc/thread-self/ns/net")));
  const mounted = ways.filter((path) => path.startsWith(`${root}/`));
  return Object.fromEntries(mounted.map((path) => [path.slice(root.length), isNamespace(path)]));
}

/** An inode of nsfs: linux/proc_ns.h, PROC_DYNAMIC_FIRST on for those that are made. */
function isNamespace(path: string): boolean {
  return statSync(path).ino >= 0xf0000000;
}

test("what a container has mounted something else over is no way to a namespace", async () => {
  await using container = await startContainer({ mountNamespace: true });
  await inContainer(container, "ip netns add a; ip netns add b; ip netns add 'c d'");
  expect(mountedIn(container)).toEqual({
    "/run/netns/a": true,
    "/run/netns/b": true,
    "/run/netns/c d": true,
  });

  await inContainer(container, "touch /run/file; mount --bind /run/file /run/netns/a");
  expect(mountedIn(container)).toEqual({ "/run/netns/b": true, "/run/netns/c d": true });

  await inContainer(
    container,
    "mkdir /run/other; mount -t tmpfs none /run/other; mount --move /run/other /run/netns",
  );
  expect(mountedIn(container)).toEqual({});

  await inContainer(container, "umount /run/netns; umount /run/netns/a");
  expect(Object.keys(mountedIn(container)).length).toBe(3);
});
