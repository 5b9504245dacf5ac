import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import manifest from "../package.json" with { type: "json" };
import { build, commitOf } from "./build.ts";
import { type Architecture, run } from "./bun-for.ts";
import { changelogText } from "./changelog.ts";
import { copyrightText } from "./copyright.ts";
import { manualText } from "./manual.ts";

const TOP = join(import.meta.dir, "..");
const DEBIAN = { x64: "amd64", arm64: "arm64" } as const;
/** Who answers for the package. */
const MAINTAINER = "netdevd maintainers <maintainers@netdevd.invalid>";

/** What to make a package of. */
export interface DebOptions {
  readonly architecture: Architecture;
  /** The executable that `build` made. */
  readonly executable: string;
  /** The folder that the package is put into. */
  readonly folder: string;
  readonly version: string;
  /** When all that is in it says it was made: seconds since 1970. */
  readonly time: number;
  /** How hard to compress, 1 to 9. */
  readonly level: number;
}

/** Files of the checkout and where they go. */
const FILES: Readonly<Record<string, string>> = {
  "systemd/netdevd.service": "usr/lib/systemd/system/netdevd.service",
  "systemd/netdevd.tmpfiles.conf": "usr/lib/tmpfiles.d/netdevd.conf",
  "systemd/netdevd.sysusers.conf": "usr/lib/sysusers.d/netdevd.conf",
  "systemd/netdevd.service.d/preserve.conf": "usr/share/netdevd/preserve.conf",
  "systemd/netdevd.service.d/no-tcp.conf": "usr/share/doc/netdevd/examples/netdevd.service.d/no-tcp.conf",
  "systemd/netdevd.service.d/rootless.conf": "usr/share/doc/netdevd/examples/netdevd.service.d/rootless.conf",
  "config/netdevd.toml": "etc/netdevd/netdevd.toml",
  "config/examples": "usr/share/doc/netdevd/examples/config",
  "config/hooks.d": "usr/share/doc/netdevd/examples/hooks.d",
  "config/prometheus": "usr/share/doc/netdevd/examples/prometheus",
  "README.md": "usr/share/doc/netdevd/README.md",
  "packaging/debian/lintian-overrides": "usr/share/lintian/overrides/netdevd",
};

/** Makes a Debian package with Debian's own tools; gives its path. */
export async function makeDeb(options: DebOptions): Promise<string> {
  const { architecture, executable, folder, version, time, level } = options;
  const root = mkdtempSync(join(tmpdir(), "netdevd-deb-"));
  try {
    const put = (path: string, bytes: string | Uint8Array, mode = 0o644) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), bytes);
      chmodSync(join(root, path), mode);
    };
    put("usr/bin/netdevd", readFileSync(executable), 0o755);
    for (const [from, to] of Object.entries(FILES))
      cpSync(join(TOP, from), join(root, to), { recursive: true });
    mkdirSync(join(root, "etc/netdevd/conf.d"));
    const changes = changelogText(readFileSync(join(TOP, "CHANGELOG.md"), "utf8"), {
      version,
      maintainer: MAINTAINER,
      time,
    });
    put("usr/share/doc/netdevd/changelog.gz", gzipSync(changes, { level: 9 }));
    put("usr/share/doc/netdevd/copyright", await copyrightText(builtIn()));
    put("usr/share/man/man8/netdevd.8.gz", gzipSync(manualText(version, time), { level: 9 }));
    run(["chmod", "-R", "u=rwX,go=rX", root]);
    const files = run(["find", ".", "-type", "f", "-printf", "%P\n"], { cwd: root })
      .trim()
      .split("\n")
      .toSorted();
    const sums = files.map(
      (path) =>
        `${createHash("md5")
          .update(readFileSync(join(root, path)))
          .digest("hex")}  ${path}\n`,
    );
    const kilobytes = files.reduce((sum, path) => sum + Math.ceil(Bun.file(join(root, path)).size / 1024), 0);
    put("DEBIAN/md5sums", sums.join(""));
    put("DEBIAN/conffiles", "/etc/netdevd/netdevd.toml\n");
    put("DEBIAN/control", control(DEBIAN[architecture], version, kilobytes));
    for (const script of ["postinst", "prerm", "postrm"]) {
      put(`DEBIAN/${script}`, readFileSync(join(TOP, "packaging/debian", script)), 0o755);
    }
    for (const path of run(["find", ".", "-printf", "%P\n"], { cwd: root }).trim().split("\n")) {
      utimesSync(join(root, path), time, time);
    }
    const deb = join(folder, `netdevd_${version}_${DEBIAN[architecture]}.deb`);
    mkdirSync(folder, { recursive: true });
    // gzip: xz takes minutes for these 110 MB, for a package that is a fifth smaller.
    run([
      "env",
      `SOURCE_DATE_EPOCH=${time}`,
      "dpkg-deb",
      "--root-owner-group",
      "-Zgzip",
      `-z${level}`,
      "--build",
      root,
      deb,
    ]);
    return deb;
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** The npm packages that are in the executable: those that it depends on, and what these do. */
function builtIn(): string[] {
  const found = new Set<string>();
  const add = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    const text = readFileSync(join(TOP, "node_modules", name, "package.json"), "utf8");
    for (const dependency of Object.keys(JSON.parse(text).dependencies ?? {})) add(dependency);
  };
  for (const name of Object.keys(manifest.dependencies)) add(name);
  return Array.from(found).toSorted();
}

function control(architecture: string, version: string, kilobytes: number): string {
  return `Package: netdevd
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kilobytes}
Depends: init-system-helpers (>= 1.54), libc6 (>= 2.17), systemd (>= 247)
Section: admin
Priority: optional
Description: hands network devices to containers and brings them home
 A container that needs a network device of the host itself (a NIC, an SR-IOV
 function, a tap, a macvlan, a CAN card) gets it under the name and with the
 addresses that it shall have there. When the container has ended, however it
 ended, the device is back on the host as it was.
 .
 Mappings in a TOML file say which containers get which devices. It works with
 every container runtime: whoever starts a container drops a small JSON file
 into a folder, or has \`netdevd hook\` do so as an OCI hook.
`;
}

/** When the commit was made, or now. */
export function timeOf(top: string): number {
  try {
    return Number(run(["git", "log", "-1", "--format=%ct"], { cwd: top }).trim());
  } catch {
    return Math.floor(Date.now() / 1000);
  }
}

if (import.meta.main) {
  const architectures: readonly Architecture[] = process.argv.includes("--all")
    ? ["x64", "arm64"]
    : [process.arch === "arm64" ? "arm64" : "x64"];
  for (const architecture of architectures) {
    const executable = join(
      TOP,
      "dist",
      architecture === process.arch ? "netdevd" : `netdevd-${architecture}`,
    );
    await build({ architecture, out: executable, commit: commitOf(TOP) });
    const { version } = manifest;
    const deb = await makeDeb({
      architecture,
      executable,
      folder: join(TOP, "dist"),
      version,
      time: timeOf(TOP),
      level: 6,
    });
    console.log(`dist/${basename(deb)}: ${(Bun.file(deb).size / 1e6).toFixed(0)} MB`);
  }
}
