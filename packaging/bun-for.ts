import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import lock from "../package-lock.json" with { type: "json" };

/** What netdevd is built for, by the name that Node.js and Bun have for it. */
export type Architecture = "x64" | "arm64";

/** Where downloads and other things that are dear to make are kept, outside of any checkout. */
export const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "netdevd");

const PACKAGES = { x64: "bun-linux-x64", arm64: "bun-linux-aarch64" } as const;

/**
 * The Bun executable to build on for `architecture`: the running one, or that of the npm package of the same
 * version, which is compared with the checksum in package-lock.json.
 */
export function bunFor(architecture: Architecture): string {
  if (architecture === process.arch) return process.execPath;
  const name = PACKAGES[architecture];
  const { version, integrity } = lock.packages[`node_modules/@oven/${name}`];
  const folder = join(CACHE, `${name}-${version}`);
  const executable = join(folder, "package", "bin", "bun");
  if (existsSync(executable)) return executable;
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    const packed = run(["npm", "pack", "--silent", "--pack-destination", draft, `@oven/${name}@${version}`]);
    const archive = join(draft, packed.trim());
    const digest = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (digest !== integrity) throw new Error(`${name} ${version} is ${digest}, and has to be ${integrity}`);
    run(["tar", "--extract", "--gzip", "--file", archive, "--directory", draft]);
    renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return executable;
}

/** Runs a command to its end and gives its stdout; another exit code than 0 is an error. */
export function run(command: readonly string[], options: { readonly cwd?: string } = {}): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { stdin: "ignore", ...options });
  if (exitCode === 0) return stdout.toString();
  throw new Error(`${command.join(" ")} exited ${exitCode}:\n${stdout}${stderr}`);
}
