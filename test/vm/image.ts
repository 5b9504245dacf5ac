import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What a guest is booted from; made by image.sh. */
export interface Image {
  readonly root: string;
  readonly kernel: string;
  readonly initrd: string;
}

const SCRIPT = join(import.meta.dir, "image.sh");

/** Longest that a build may take: it fetches some 200 MB, and another test run may be at work. Milliseconds. */
export const BUILD_LIMIT = 15 * 60_000;

/**
 * The guest's image, built where it is not there yet. It is kept in the user's cache folder under the hash of
 * its script, so that a change of the script makes a new one; older ones are deleted then.
 */
export async function guestImage(): Promise<Image> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "netdevd-vm");
  const key = createHash("sha256").update(readFileSync(SCRIPT)).digest("hex").slice(0, 16);
  const folder = join(cache, key);
  const image = {
    root: join(folder, "rootfs.ext4"),
    kernel: join(folder, "vmlinuz"),
    initrd: join(folder, "initrd.gz"),
  };
  if (existsSync(folder)) return image;
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) {
    if (name !== key && /^[0-9a-f]{16}$/.test(name)) rmSync(join(cache, name), { recursive: true });
  }
  // Only one builds; the script does nothing where another has built meanwhile.
  const build = Bun.spawn(["flock", join(cache, "lock"), "bash", SCRIPT, folder], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    timeout: BUILD_LIMIT,
  });
  const code = await build.exited;
  if (code !== 0) throw new Error(`the guest's image could not be built: ${SCRIPT} exited ${code}`);
  return image;
}
