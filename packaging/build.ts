import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Architecture, bunFor, run } from "./bun-for.ts";
import { withEnvironmentGuard } from "./environment-guard.ts";

const TOP = join(import.meta.dir, "..");

/** What to build, and where to. */
export interface Build {
  readonly architecture: Architecture;
  /** Path of the executable. */
  readonly out: string;
  /** The commit that it is built from; null: not known. */
  readonly commit: string | null;
}

/**
 * Builds netdevd as one executable that needs nothing but glibc, and reads nothing of the folder or the
 * environment that it is started in.
 */
export async function build({ architecture, out, commit }: Build): Promise<void> {
  mkdirSync(dirname(out), { recursive: true });
  const folder = `${out}.${process.pid}.tmp`;
  // Its name gets into it: always the same one, so that the same commit gives the same bytes.
  const draft = join(folder, "netdevd");
  mkdirSync(folder);
  try {
    const { success, logs } = await Bun.build({
      entrypoints: [join(TOP, "src/main.ts"), join(TOP, "src/service/kernel-worker.ts")],
      // The worker is asked for as "./kernel-worker.ts" by whatever stands at the top of the executable.
      naming: { entry: "[name].[ext]" },
      minify: true,
      bytecode: true,
      format: "esm",
      define: { "process.env.NETDEVD_COMMIT": JSON.stringify(commit ?? "") },
      compile: {
        target: `bun-linux-${architecture}`,
        executablePath: bunFor(architecture),
        outfile: draft,
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
    });
    if (!success) throw new AggregateError(logs, "netdevd does not build");
    writeFileSync(draft, withEnvironmentGuard(readFileSync(draft)));
    chmodSync(draft, 0o755);
    renameSync(draft, out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The commit of this checkout, with a "+" where files differ from it; null: this is no checkout. */
export function commitOf(top: string): string | null {
  try {
    const commit = run(["git", "rev-parse", "--short=12", "HEAD"], { cwd: top }).trim();
    const changed = run(["git", "status", "--porcelain", "--untracked-files=no"], { cwd: top }) !== "";
    return changed ? `${commit}+` : commit;
  } catch {
    return null;
  }
}

if (import.meta.main) {
  const architecture = process.argv[2] ?? process.arch;
  if (architecture !== "x64" && architecture !== "arm64") {
    console.error("usage: bun run build [x64|arm64]");
    process.exit(2);
  }
  const name = architecture === process.arch ? "netdevd" : `netdevd-${architecture}`;
  const out = join(TOP, "dist", name);
  await build({ architecture, out, commit: commitOf(TOP) });
  console.log(`dist/${name}: ${(Bun.file(out).size / 1e6).toFixed(0)} MB`);
}
