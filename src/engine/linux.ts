import { statfsSync } from "node:fs";
import { ReadySet } from "../../ffi/epoll.ts";
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
import { bootTime, openPidfd, parseStat, readProcFile } from "../../ffi/process.ts";
import { readAndClose, writeAndClose } from "../../ffi/small-file.ts";
import { DEPARTURES_ALONE } from "../netlink/departure.ts";
import { RTMGRP_LINK } from "../netlink/uapi.ts";
import { busesIn } from "./buses.ts";
import type { LinkMonitor, System } from "./system.ts";
import { udevIn } from "./udev.ts";
import { waysToNamespaces } from "./ways-to-namespaces.ts";

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
    monitor: () => monitorOf(new NetlinkSocket(netlinkSocket(), { groups: RTMGRP_LINK, receive })),
    departures(namespace) {
      const fd = netlinkSocketIn(namespace, homeFd);
      return monitorOf(new NetlinkSocket(fd, { groups: RTMGRP_LINK, filter: DEPARTURES_ALONE, receive }));
    },
    readySet: () => new ReadySet(),
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
    openNamespace,
    namespaces: () => waysToNamespaces(home),
    open: openReadOnly,
    close: closeFd,
    openPidfd,
    // A pidfd is readable once its process has ended.
    hasExited: createReadableTest(),
    startTime,
    ...busesIn("/sys/bus"),
    ...udevIn("/run/udev", home === initialNamespace()),
    bootTime,
  };
}

function monitorOf(socket: NetlinkSocket): LinkMonitor {
  return {
    fd: socket.fd,
    next: () => socket.receiveNow(),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

/** Through an fd that opens nothing (O_PATH), and from that: what lies there cannot be exchanged in between. */
function openNamespace(path: string): number | "nothing" | "something else" {
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
    if (isNetworkNamespace(namespace)) return namespace;
    closeFd(namespace);
    return "something else";
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
  return stat === null ? null : parseStat(stat).startTime;
}
