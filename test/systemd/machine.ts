import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Output, run } from "../helpers/command.ts";
import { type Release, treeOf } from "../helpers/debian.ts";
import { type Namespace, namespaceOf } from "../helpers/namespace.ts";
import { until } from "../helpers/until.ts";

/** A machine of its own with a real systemd as its first process, in namespaces of this one: systemd-nspawn. */
export interface Machine extends AsyncDisposable {
  /** Its network: nothing but lo, and what a test puts there. */
  readonly netns: Namespace;
  /** Runs a command in it. */
  run(...argv: readonly string[]): Promise<Output>;
  /** Runs lines of bash(1) in it, of which none may fail; gives what they print. */
  sh(script: string): Promise<string>;
  /** Properties of a unit. */
  show(unit: string, ...properties: readonly string[]): Promise<Record<string, string>>;
  /** What the unit has logged so far. */
  journal(unit: string): Promise<string>;
}

const BOOT_LIMIT_MS = 30_000;
const PACKAGES = ["systemd", "systemd-sysv", "dbus", "iproute2"];

/**
 * Boots a machine; it takes half a second. What it writes is forgotten at its end.
 *
 * @param share a folder of this machine that it sees, to be read, as /opt/share
 */
export async function boot(release: Release, share: string): Promise<Machine> {
  const tree = treeOf(release, PACKAGES);
  const folder = mkdtempSync(join(tmpdir(), "netdevd-machine-"));
  const console = join(folder, "console");
  const group = `netdevd-test-${process.pid}-${release}`;
  // A mount namespace in which there is one cgroup hierarchy, as systemd wants it, and a group of its own.
  const script = `
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || exit 1
    mkdir -p /sys/fs/cgroup/${group} && echo $$ >/sys/fs/cgroup/${group}/cgroup.procs || exit 1
    exec systemd-nspawn --quiet --register=no --keep-unit --volatile=overlay --private-network --directory=${tree} \\
      --bind-ro=${share}:/opt/share --boot`;
  const nspawn = Bun.spawn(
    [
      "setpriv",
      "--pdeathsig",
      "KILL",
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "bash",
      "-c",
      script,
    ],
    { stdin: "ignore", stdout: Bun.file(console), stderr: Bun.file(console) },
  );
  const enter = (leader: number) => ["nsenter", "--target", String(leader), "--all", "--"];
  const detail = () => readFileSync(console, "utf8").slice(-2000);

  const end = async () => {
    // The machine's first process first: one that has re-executed itself is not ended with nspawn.
    if (nspawn.exitCode === null) for (const pid of childrenOf(nspawn.pid)) process.kill(pid, "SIGKILL");
    nspawn.kill("SIGKILL");
    await nspawn.exited;
    await removeGroup(group);
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    const leader = await until(
      `${release} to boot`,
      async () => {
        if (nspawn.exitCode !== null)
          throw new Error(`systemd-nspawn exited ${nspawn.exitCode}:\n${detail()}`);
        const [pid] = childrenOf(nspawn.pid);
        if (pid === undefined) return undefined;
        const { code } = await run([...enter(pid), "test", "-S", "/run/systemd/private"]);
        return code === 0 ? pid : undefined;
      },
      { within: BOOT_LIMIT_MS, detail },
    );
    const machine = machineOf(leader, enter(leader), end);
    await machine.run("systemctl", "is-system-running", "--wait");
    // nspawn mounts a boot id of its own over the kernel's, which services with a /proc of their own do not see.
    await machine.run("umount", "/proc/sys/kernel/random/boot_id");
    return machine;
  } catch (error) {
    await end();
    throw error;
  }
}

function machineOf(leader: number, enter: readonly string[], end: () => Promise<void>): Machine {
  const sh = async (script: string) => {
    const { code, stdout, stderr } = await run([...enter, "bash", "-e"], script);
    if (code !== 0) throw new Error(`${script}\nexited ${code}: ${stderr}${stdout}`);
    return stdout;
  };
  return {
    netns: namespaceOf(leader),
    run: (...argv) => run([...enter, ...argv]),
    sh,
    async show(unit, ...properties) {
      const told = await sh(`systemctl show ${unit} --property=${properties.join(",")}`);
      return Object.fromEntries(
        told
          .trim()
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
      );
    },
    journal: (unit) => sh(`journalctl --unit=${unit} --output=cat --no-pager`),
    [Symbol.asyncDispose]: end,
  };
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.trim().split(" ").filter(Boolean).map(Number);
}

/** Removes what nspawn leaves of cgroups, from a mount namespace in which they are to be seen. */
async function removeGroup(group: string): Promise<void> {
  const script = `
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    for attempt in $(seq 50); do
      find /sys/fs/cgroup/${group} -depth -type d -exec rmdir {} + 2>/dev/null
      [ -d /sys/fs/cgroup/${group} ] || break
      sleep 0.1
    done`;
  await run(["unshare", "--mount", "--propagation", "private", "bash", "-c", script]);
}
