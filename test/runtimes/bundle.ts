import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../helpers/lab.ts";
import { netdevd } from "../helpers/program.ts";

/** What the container runs: one of busybox's commands. */
const APPLETS = ["sh", "sleep", "ip", "cat", "echo"];

/**
 * An OCI bundle in the lab's folder, as a user makes one: a root of busybox, its own namespaces, and `netdevd hook`
 * as the hook of createRuntime and poststop. Gives its path.
 *
 * @param netDevices what it asks for by itself, as OCI runtime-spec 1.3 has it
 */
export function makeBundle(
  lab: Lab,
  command: string,
  netDevices?: Record<string, { name?: string }>,
): string {
  const bundle = join(lab.folder, "bundle");
  const bin = join(bundle, "rootfs", "bin");
  for (const folder of ["bin", "proc", "sys", "dev", "tmp"]) {
    mkdirSync(join(bundle, "rootfs", folder), { recursive: true });
  }
  const busybox = Bun.which("busybox");
  if (busybox === null)
    throw new Error('busybox is not installed: this test needs the package "busybox-static"');
  copyFileSync(busybox, join(bin, "busybox"));
  for (const applet of APPLETS) symlinkSync("busybox", join(bin, applet));
  const [path, ...args] = netdevd("hook", "--config", lab.config);
  const hook = { path, args: [path, ...args], timeout: 40 };
  writeFileSync(
    join(bundle, "config.json"),
    JSON.stringify({
      ociVersion: netDevices === undefined ? "1.0.2" : "1.3.0",
      process: {
        user: { uid: 0, gid: 0 },
        args: ["/bin/sh", "-c", command],
        env: ["PATH=/bin"],
        cwd: "/",
      },
      root: { path: "rootfs" },
      hostname: "container",
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      hooks: { createRuntime: [hook], poststop: [hook] },
      linux: {
        // Its own: what another run of the tests has left in one of the container's name is in nobody's way.
        cgroupsPath: `/netdevd-${randomBytes(4).toString("hex")}`,
        namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
        netDevices,
      },
    }),
  );
  return bundle;
}
