import type { Environment } from "./sd-notify.ts";

/** An fd that the service manager passed on when it started us. */
export interface PassedFd {
  readonly name: string;
  readonly fd: number;
}

/** sd_listen_fds(3). */
const LISTEN_FDS_START = 3;

/**
 * The fds that were passed to this very process, by their names: their order says nothing (sd_listen_fds(3)).
 *
 * None where LISTEN_PID names another process: what is open at those numbers is not ours then, but Bun's own.
 */
export function passedFds(env: Environment, pid: number): PassedFd[] {
  if (env.LISTEN_PID !== String(pid) || !/^[1-9]\d{0,5}$/.test(env.LISTEN_FDS ?? "")) return [];
  const names = (env.LISTEN_FDNAMES ?? "").split(":");
  return Array.from({ length: Number(env.LISTEN_FDS) }, (_, index) => ({
    name: names[index] ?? "",
    fd: LISTEN_FDS_START + index,
  }));
}
