import { checked, libc } from "./libc.ts";
import { allocate, cString } from "./memory.ts";

/** The same number on every architecture since Linux 5.3; glibc has a function for it since 2.36 only. */
const SYS_pidfd_open = 434;
/** clock_gettime(2): since boot, suspend included; what process start times count from. */
const CLOCK_BOOTTIME = 7;
const CLOCK_MONOTONIC = 1;
const EFD_CLOEXEC_NONBLOCK = 0x80800;
const O_CLOEXEC = 0x80000;
const LOCK_EX_NB = 2 | 4;

/** A pidfd of `pid` (pidfd_open(2)): it names that process and no later one with its number. */
export function openPidfd(pid: number): number {
  return checked("pidfd_open", libc.syscall(SYS_pidfd_open, pid, 0, 0, 0), String(pid));
}

const PAGE = 4096;
const latin1 = new TextDecoder("latin1");

/** What a small file of /proc says, up to a page of it; null where it is not there or its process has ended. */
export function readProcFile(path: string): string | null {
  const fd = libc.open(cString(path).bytes, O_CLOEXEC, 0);
  if (fd < 0) return null;
  const { bytes } = allocate(PAGE);
  const length = Number(libc.read(fd, bytes, PAGE));
  libc.close(fd);
  return length < 0 ? null : latin1.decode(bytes.subarray(0, length));
}

/** What /proc/PID/stat says (proc_pid_stat(5)): the state, and when it started, clock ticks since boot. */
export function parseStat(stat: string): { readonly state: string; readonly startTime: number } {
  // The second field is the command in parentheses and may hold anything, ")" and spaces included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTime: Number(fields[19]) };
}

/** CLOCK_BOOTTIME in milliseconds. */
export function bootTime(): number {
  const timespec = allocate(16);
  checked("clock_gettime", libc.clock_gettime(CLOCK_BOOTTIME, timespec.address), "CLOCK_BOOTTIME");
  return Number(timespec.view.getBigInt64(0, true)) * 1e3 + Number(timespec.view.getBigInt64(8, true)) / 1e6;
}

/** CLOCK_MONOTONIC in microseconds. */
export function monotonicTime(): bigint {
  const timespec = allocate(16);
  checked("clock_gettime", libc.clock_gettime(CLOCK_MONOTONIC, timespec.address), "CLOCK_MONOTONIC");
  return timespec.view.getBigInt64(0, true) * 1_000_000n + timespec.view.getBigInt64(8, true) / 1000n;
}

/** An eventfd(2) that starts at 0 and never blocks. */
export function openEventfd(): number {
  return checked("eventfd", libc.eventfd(0, EFD_CLOEXEC_NONBLOCK));
}

/** Takes the exclusive lock of an open file without waiting (flock(2)); SyscallError EAGAIN: another has it. */
export function lockFile(fd: number): void {
  checked("flock", libc.flock(fd, LOCK_EX_NB));
}
