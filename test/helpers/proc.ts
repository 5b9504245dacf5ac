import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** The network namespace of a process or thread, as `net:[4026531840]`; null where it has none any more. */
export function netnsOf(pid: number | string, thread?: string): string | null {
  return linkAt(`/proc/${pid}${thread === undefined ? "" : `/task/${thread}`}/ns/net`);
}

/** The command name of a process (proc_pid_comm(5)); null where there is none of that pid. */
export function commandOf(pid: number | string): string | null {
  return textAt(`/proc/${pid}/comm`)?.trim() ?? null;
}

/** Threads of `pid` that are in another network namespace than `home`, as "name in net:[…]". */
export function threadsOutside(pid: number, home: string): string[] {
  return namesIn(`/proc/${pid}/task`).flatMap((thread) => {
    const netns = netnsOf(pid, thread);
    if (netns === null || netns === home) return [];
    return [`${commandOf(`${pid}/task/${thread}`) ?? "?"} (${thread}) in ${netns}`];
  });
}

/** Whether a process has been killed: its first thread is a zombie as long as others are not done, or it is gone. */
export function isDying(pid: number): boolean {
  const state = stateOf(pid);
  return state === null || state === "Z" || state === "X";
}

/** Whether a process stands still, by SIGSTOP: it is a moment until it does. */
export function isStopped(pid: number): boolean {
  return stateOf(pid) === "T";
}

/** The state of a process's first thread (proc_pid_status(5)); null where there is none. */
function stateOf(pid: number): string | null {
  return /^State:\t(.)/m.exec(textAt(`/proc/${pid}/status`) ?? "")?.[1] ?? null;
}

/** Pids of the processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return pids().filter((child) => parentOf(child) === pid);
}

/** Pids of the processes whose main thread is in the namespace `netns`. */
export function processesIn(netns: string): number[] {
  return pids().filter((pid) => netnsOf(pid) === netns);
}

/**
 * All that holds the network namespace `netns` (`net:[…]`) as far as /proc tells: threads that are in it, open files,
 * mounts. A socket that was made there holds it too, and does not show.
 */
export function holdersOf(netns: string): string[] {
  const mounts = new Set<string>();
  const others = pids().flatMap((pid) => {
    const who = `${commandOf(pid) ?? "?"} (${pid})`;
    for (const line of (textAt(`/proc/${pid}/mountinfo`) ?? "").split("\n")) {
      // proc_pid_mountinfo(5): the mount's root within its file system, and where it is.
      const [, , , root, point] = line.split(" ");
      if (root === netns && point !== undefined) mounts.add(point);
    }
    const threads = namesIn(`/proc/${pid}/task`).filter((thread) => netnsOf(pid, thread) === netns);
    const files = namesIn(`/proc/${pid}/fd`).filter((fd) => linkAt(`/proc/${pid}/fd/${fd}`) === netns);
    return [
      ...threads.map((thread) => `thread ${thread} of ${who}`),
      ...files.map((fd) => `fd ${fd} of ${who}`),
    ];
  });
  return [...Array.from(mounts, (point) => `the mount ${point}`), ...others];
}

/** Pids of the processes that have `text` in their command line. */
export function processesNaming(text: string): number[] {
  return pids().filter((pid) => textAt(`/proc/${pid}/cmdline`)?.includes(text));
}

/** How many open files of each kind `pid` has; the kind is what /proc/PID/fd tells, without numbers. */
export function openFiles(pid: number): Map<string, number> {
  const kinds = new Map<string, number>();
  for (const fd of namesIn(`/proc/${pid}/fd`)) {
    const target = linkAt(`/proc/${pid}/fd/${fd}`);
    if (target === null) continue;
    const kind = target.replace(/:\[\d+\]$/, ":");
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return kinds;
}

function pids(): number[] {
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Field 4 of proc_pid_stat(5); the command before it may hold blanks and parentheses. */
function parentOf(pid: number): number | null {
  const stat = textAt(`/proc/${pid}/stat`);
  if (stat === null) return null;
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

// A process may end between any two of these calls: what is gone is told as nothing.

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function textAt(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
