import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { CACHE } from "../../packaging/bun-for.ts";

/** Debian's releases that netdevd is proven on: systemd 252, which drops its fd store at stop, and 257. */
export const RELEASES = ["bookworm", "trixie"] as const;

export type Release = (typeof RELEASES)[number];

/** What debootstrap knows: `testing` is whatever Debian has of late, for what no release has yet. */
export type Suite = Release | "testing";

/** Made anew when this changes. */
const REVISION = 1;

/**
 * A folder with a minimal Debian and `packages` in it, made by debootstrap where it is not there yet. Nobody writes
 * to it.
 *
 * @param name of the folder in the cache, where it is not the suite's own
 */
export function treeOf(suite: Suite, packages: readonly string[], name: string = suite): string {
  const tree = join(CACHE, `${name}-${REVISION}`);
  if (existsSync(tree)) return tree;
  const draft = `${tree}.${process.pid}`;
  mkdirSync(dirname(tree), { recursive: true });
  try {
    const command = [
      "debootstrap",
      "--variant=minbase",
      `--include=${packages.join(",")}`,
      suite,
      draft,
      ...mirror(),
    ];
    const { exitCode, stdout, stderr } = Bun.spawnSync(command, { stdin: "ignore" });
    const told = `${stdout}${stderr}`.split("\n").slice(-20).join("\n");
    if (exitCode !== 0) throw new Error(`${command.join(" ")} exited ${exitCode}:\n${told}`);
    // Another test may have made it meanwhile.
    if (!existsSync(tree)) renameSync(draft, tree);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return tree;
}

/** Where this machine has its Debian from; none: debootstrap's own choice. */
function mirror(): string[] {
  const folder = "/etc/apt/sources.list.d";
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const text = ["/etc/apt/sources.list", ...files]
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  const [, address] = /^(?:URIs:|deb(?: \[.*?\])?) *(\S+\/debian\/?)(?:\s|$)/m.exec(text) ?? [];
  return address === undefined ? [] : [address];
}
