import { readFileSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import manifest from "../../package.json" with { type: "json" };

/** The program's version. */
export const VERSION: string = manifest.version;

/** What `netdevd --version` prints: all that a report of a fault has to name. */
export function versionText(): string {
  const commit = commitHere();
  const built = commit === null ? "" : ` (commit ${commit})`;
  return `netdevd ${VERSION}${built}, Bun ${Bun.version}, Linux ${release()} ${process.arch}`;
}

/** The commit that this was built from or is a checkout of; null: not known. */
export function commitHere(): string | null {
  // A build puts its commit in place of this expression, and nothing at run time has a say in it.
  const built = process.env.NETDEVD_COMMIT;
  if (Bun.isStandaloneExecutable) return built || null;
  try {
    return commitOfCheckout(join(import.meta.dir, "../.."))?.slice(0, 12) ?? null;
  } catch {
    return null;
  }
}

/** What HEAD is in a git checkout (gitrepository-layout(5)); throws where `top` is none. */
function commitOfCheckout(top: string): string | null {
  const git = gitFolder(join(top, ".git"));
  const head = text(join(git, "HEAD"));
  const [, ref] = /^ref: (.*)$/.exec(head) ?? [];
  if (ref === undefined) return head;
  const common = commonFolder(git);
  try {
    return text(join(common, ref));
  } catch {
    const packed = text(join(common, "packed-refs")).split("\n");
    return packed.find((line) => line.endsWith(` ${ref}`))?.split(" ")[0] ?? null;
  }
}

/** `.git` is a file that names the folder in a worktree. */
function gitFolder(path: string): string {
  try {
    const [, folder] = /^gitdir: (.*)$/.exec(text(path)) ?? [];
    return folder === undefined ? path : join(folder.startsWith("/") ? "" : dirname(path), folder);
  } catch {
    return path;
  }
}

function commonFolder(git: string): string {
  try {
    const common = text(join(git, "commondir"));
    return join(common.startsWith("/") ? "" : git, common);
  } catch {
    return git;
  }
}

function text(path: string): string {
  return readFileSync(path, "utf8").trim();
}
