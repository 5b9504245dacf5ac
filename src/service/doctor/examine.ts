import fs, { readdirSync, readFileSync, readlinkSync, statfsSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import type { Config } from "../../config/config.ts";
import { createLinux } from "../../engine/linux.ts";
import { type Finding, fail, pass } from "./finding.ts";
import { type FileSystem, folderFinding, stateFinding } from "./folders.ts";
import { managerFindings } from "./managers.ts";
import { capabilityFinding, kernelFinding } from "./privileges.ts";
import { runtimeFindings } from "./runtimes.ts";

/** Looks at all on this host that netdevd needs or that gets in its way; touches nothing. */
export function examineHost(config: Config): Finding[] {
  const { spool, results, state } = config.daemon;
  const owner = process.geteuid?.() ?? 0;
  return [
    kernelFinding(release()),
    capabilityFinding(readFileSync("/proc/self/status", "utf8")),
    namespaceFinding(),
    folderFinding(fs, "spool", { path: spool, access: "private" }, owner),
    folderFinding(fs, "results", { path: results, access: "readable" }, owner),
    folderFinding(fs, "state", { path: state, access: "private" }, owner),
    stateFinding(state, fileSystemOf(state)),
    ...managerFindings(programsHere(), filesIn),
    ...runtimeFindings(textsIn),
  ];
}

/** Enters a namespace as for a container, its own: a sandbox may forbid it, whatever the capabilities. */
function namespaceFinding(): Finding {
  const about = "namespaces";
  try {
    const linux = createLinux();
    try {
      using socket = linux.enter(linux.homeFd);
      return pass(about, `setns(2) and rtnetlink work; home is namespace ${socket.cookie()}`);
    } finally {
      linux.close(linux.homeFd);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(
      about,
      why,
      "run it as root; in a unit RestrictNamespaces= and SystemCallFilter= forbid this",
    );
  }
}

/** Of the folder, or of the nearest one above it that is there. */
function fileSystemOf(path: string): FileSystem {
  try {
    const { type, bavail, bsize } = statfsSync(path);
    return { type, free: bavail * bsize };
  } catch (error) {
    if (path === dirname(path)) throw error;
    return fileSystemOf(dirname(path));
  }
}

/** Names of the programs that run in this network namespace. */
function programsHere(): Set<string> {
  const home = readlinkSync("/proc/self/ns/net");
  const programs = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/ns/net`) !== home) return [];
        return [readFileSync(`/proc/${pid}/comm`, "utf8").trim()];
      } catch {
        // It has ended meanwhile, or is none of our business.
        return [];
      }
    });
  return new Set(programs);
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textsIn(folder: string): string[] | null {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return null;
  }
  return names.flatMap((name) => {
    try {
      return [readFileSync(join(folder, name), "utf8")];
    } catch {
      return [];
    }
  });
}
