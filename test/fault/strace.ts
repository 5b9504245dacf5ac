import { readFileSync } from "node:fs";
import { until } from "../helpers/until.ts";

/** The system calls by which a daemon acts on the kernel and on its disk. */
export const EFFECTS = [
  "sendto",
  "setns",
  "socket",
  "pidfd_open",
  "openat",
  "open",
  "mount",
  "umount2",
  "mkdir",
  "pwrite64",
  "ftruncate",
  "write",
  "rename",
  "unlink",
] as const;

/** How each can fail in the field. */
export const ERRORS: Readonly<Record<string, readonly string[]>> = {
  sendto: ["EPERM", "ENOBUFS"],
  recvfrom: ["ENOBUFS", "ENOMEM"],
  setns: ["EPERM"],
  socket: ["EMFILE", "ENOBUFS"],
  pidfd_open: ["EMFILE"],
  openat: ["EMFILE"],
  open: ["EMFILE"],
  mount: ["EPERM", "ENOMEM"],
  umount2: ["EBUSY"],
  pwrite64: ["ENOSPC", "EIO"],
  rename: ["ENOSPC", "EIO"],
};

/** How long strace may take to let go of everything. */
const FORCED_MS = 2000;

/** strace(1) on a process that runs. Ending it leaves the process be. */
export interface Tracer extends AsyncDisposable {
  /** How often each of {@link EFFECTS} was called, by the thread that called it most. */
  counts(): ReadonlyMap<string, number>;
}

/** Attaches strace to all threads of `pid`, with the injection given (`sendto:signal=KILL:when=3`), if any. */
export async function trace(pid: number, log: string, injection: string | null): Promise<Tracer> {
  const calls = [...EFFECTS, "recvfrom"].map((name) => `?${name}`).join(",");
  const inject = injection === null ? [] : ["-e", `inject=${injection}`];
  const child = Bun.spawn(["strace", "-f", "-o", log, "-e", `trace=${calls}`, ...inject, "-p", String(pid)], {
    cwd: "/",
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(`${log}.err`),
  });
  const said = () => readFileSync(`${log}.err`, "utf8");
  await until("strace to attach", () => {
    if (child.exitCode !== null) throw new Error(`strace ended with ${child.exitCode}: ${said()}`);
    return said().includes("attached");
  });
  return {
    counts() {
      const byThread = new Map<string, number>();
      for (const line of readFileSync(log, "utf8").split("\n")) {
        const [, thread, name] = /^(\d+) +(?:<\.\.\. )?(\w+)\(/.exec(line) ?? [];
        if (thread === undefined) continue;
        byThread.set(`${thread} ${name}`, (byThread.get(`${thread} ${name}`) ?? 0) + 1);
      }
      const most = new Map<string, number>();
      for (const [key, count] of byThread) {
        const name = key.split(" ")[1] ?? "";
        most.set(name, Math.max(most.get(name) ?? 0, count));
      }
      return most;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      // It may wait for good for a thread that has died while it was being attached to.
      const forced = setTimeout(() => child.kill("SIGKILL"), FORCED_MS);
      await child.exited;
      clearTimeout(forced);
    },
  };
}
