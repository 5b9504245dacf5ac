import { join } from "node:path";
import { treeOf } from "../helpers/debian.ts";

/** How the guest's machine is started. */
export interface Emulator {
  /** What comes before QEMU's own arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * QEMU 10 of Debian 13, run from an unpacked tree by the C library of that tree: nothing is installed. Older ones have
 * no igb, the card with SR-IOV, and QEMU 7.2 dies in one boot of fifteen.
 */
export function emulator(): Emulator {
  const tree = treeOf("trixie", ["qemu-system-x86"], "trixie-qemu");
  const libraries = join(tree, "usr/lib/x86_64-linux-gnu");
  const share = (name: string) => ["-L", join(tree, "usr/share", name)];
  return {
    command: [
      join(tree, "usr/lib64/ld-linux-x86-64.so.2"),
      ...["--library-path", libraries],
      join(tree, "usr/bin/qemu-system-x86_64"),
      ...share("qemu"),
      ...share("seabios"),
    ],
    // Not those of another version that this machine may have.
    environment: { QEMU_MODULE_DIR: join(libraries, "qemu") },
  };
}
