import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { build } from "../../packaging/build.ts";
import { mustRun } from "../helpers/command.ts";

const CHECKOUT = join(import.meta.dir, "..", "..");
const PARTS = ["package.json", "bunfig.toml", "src", "ffi", "config", "systemd", "test", "node_modules"];
/** What only a writer of netdevd needs, and Bun's second copy. */
const LEFT_OUT = new Set([
  "@biomejs",
  "@oven",
  "@types",
  "@typescript",
  "bun-types",
  "bunx.exe",
  "typescript",
]);

/**
 * Makes the guest's second disk: the checkout with its Bun, `netdevd` as it is shipped, which starts in half the time,
 * and `run.sh`, which the guest runs as root.
 */
export async function makePayload(disk: string, script: string): Promise<void> {
  const stage = mkdtempSync(join(tmpdir(), "netdevd-payload-"));
  try {
    for (const part of PARTS) {
      cpSync(join(CHECKOUT, part), join(stage, part), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (source) => !LEFT_OUT.has(basename(source)),
      });
    }
    await build({ architecture: "x64", out: join(stage, "netdevd"), commit: null });
    writeFileSync(join(stage, "run.sh"), script);
    chmodSync(join(stage, "run.sh"), 0o755);
    writeFileSync(disk, "");
    await mustRun(["truncate", "--size=384M", disk]);
    await mustRun(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-d", stage, disk]);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
