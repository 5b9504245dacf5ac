import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { SyscallError } from "../../ffi/errno.ts";
import { allocate } from "../../ffi/memory.ts";
import { NetlinkSocket, receiveMemory } from "../../ffi/netlink-socket.ts";
import {
  closeFd,
  isNetworkNamespace,
  namespaceLink,
  netlinkSocket,
  netlinkSocketIn,
  openIn,
  openOwnNamespace,
  openPath,
  openReadOnly,
  strayThreads,
} from "../../ffi/netns.ts";
import { createReadableTest } from "../../ffi/poll.ts";
import { bootTime, openPidfd, readProcFile } from "../../ffi/process.ts";
import { readAndClose, writeAndClose } from "../../ffi/small-file.ts";
import { RTMGRP_LINK } from "../netlink/uapi.ts";
import { busesIn } from "./buses.ts";
import type { PathKind, System } from "./system.ts";
import { udevIn } from "./udev.ts";

/** The longest name of a file below /proc/sys/net/ipv6/conf has half of it. */
const PATH_SIZE = 256;
/** linux/magic.h. */
const NSFS_MAGIC = 0x6e736673;
/** open(2) of a path that leads nowhere. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "EACCES", "ESRCH"]);

/** Linux itself as the calling thread sees it; the home namespace is the one that this thread is in. */
export function createLinux(): System {
  const receive = receiveMemory();
  const homeFd = openOwnNamespace();
  const sysctl = allocate(PATH_SIZE);
  const home = namespaceLink("/proc/thread-self/ns/net");
  return {
    homeFd,
    home: () => new NetlinkSocket(netlinkSocket(), { groups: 0, receive }),
    monitor() {
      const socket = new NetlinkSocket(netlinkSocket(), { groups: RTMGRP_LINK, receive });
      return {
        fd: socket.fd,
        next: () => socket.receiveNow(),
        [Symbol.dispose]: () => socket[Symbol.dispose](),
      };
    },
    enter: (namespace) => new NetlinkSocket(netlinkSocketIn(namespace, homeFd), { groups: 0, receive }),
    readSysctl(namespace, path) {
      try {
        const isHome = namespace === homeFd;
        const fd = isHome ? openReadOnly(path) : openIn(namespace, homeFd, path, "read", sysctl);
        return readAndClose(fd, path);
      } catch (error) {
        if (error instanceof SyscallError) return null;
        throw error;
      }
    },
    writeSysctl(namespace, path, text) {
      writeAndClose(openIn(namespace, homeFd, path, "write", sysctl), text, path);
    },
    strayThreads: () => strayThreads(home),
    pathKind,
    namespaces: () => namespacesBut(home),
    open: openReadOnly,
    close: closeFd,
    openPidfd,
    // A pidfd is readable once its process has ended.
    hasExited: createReadableTest(),
    startTime,
    ...busesIn("/sys/bus"),
    ...udevIn("/run/udev", home === initialNamespace()),
    bootTime,
    wallTime: () => Date.now(),
  };
}

function namespacesBut(own: string): string[] {
  const paths = new Map<string, string>();
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const path = `/proc/${pid}/ns/net`;
    try {
      paths.set(namespaceLink(path), path);
    } catch {
      // The process has ended since the folder was read.
    }
  }
  // proc_pid_mountinfo(5): the fourth field of an nsfs mount is its namespace, the fifth where it is (`ip netns`).
  for (const line of readFileSync("/proc/thread-self/mountinfo", "utf8").split("\n")) {
    const [, , , root = "", path = ""] = line.split(" ");
    if (root.startsWith("net:[") && !paths.has(root))
      paths.set(root, path.replaceAll(/\\(\d{3})/g, unescaped));
  }
  paths.delete(own);
  return Array.from(paths.values());
}

/** Blanks and the like are told in octal. */
function unescaped(_: string, octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}

function pathKind(path: string): PathKind {
  let fd: number;
  try {
    fd = openPath(path);
  } catch (error) {
    // Whatever else it is (EMFILE), it does not say that nothing is there.
    if (error instanceof SyscallError && ABSENT.has(error.code)) return "nothing";
    throw error;
  }
  try {
    const own = `/proc/self/fd/${fd}`;
    if (statfsSync(own).type !== NSFS_MAGIC) return "something else";
    const namespace = openReadOnly(own);
    try {
      return isNetworkNamespace(namespace) ? "network namespace" : "something else";
    } finally {
      closeFd(namespace);
    }
  } finally {
    closeFd(fd);
  }
}

/** That of pid 1; null where that may not be looked at. */
function initialNamespace(): string | null {
  try {
    return namespaceLink("/proc/1/ns/net");
  } catch {
    return null;
  }
}

function startTime(pid: number): number | null {
  const stat = readProcFile(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the command in parentheses and may hold anything, ")" and spaces included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[19]);
}
