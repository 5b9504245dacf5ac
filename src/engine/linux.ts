import { statfsSync } from "node:fs";
import { NetlinkSocket, receiveMemory } from "../../ffi/netlink-socket.ts";
import {
  closeFd,
  isNetworkNamespace,
  namespaceLink,
  netlinkSocket,
  netlinkSocketIn,
  openOwnNamespace,
  openPath,
  openReadOnly,
  strayThreads,
} from "../../ffi/netns.ts";
import { createReadableTest } from "../../ffi/poll.ts";
import { bootTime, openPidfd, readProcFile } from "../../ffi/process.ts";
import { RTMGRP_LINK } from "../netlink/uapi.ts";
import { busesIn } from "./buses.ts";
import type { PathKind, System } from "./system.ts";

/** linux/magic.h. */
const NSFS_MAGIC = 0x6e736673;

/** Linux itself as the calling thread sees it; the home namespace is the one that this thread is in. */
export function createLinux(): System {
  const receive = receiveMemory();
  const homeFd = openOwnNamespace();
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
    strayThreads: () => strayThreads(home),
    pathKind,
    open: openReadOnly,
    close: closeFd,
    openPidfd,
    // A pidfd is readable once its process has ended.
    hasExited: createReadableTest(),
    startTime,
    ...busesIn("/sys/bus"),
    bootTime,
    wallTime: () => Date.now(),
  };
}

function pathKind(path: string): PathKind {
  let fd: number;
  try {
    fd = openPath(path);
  } catch {
    return "nothing";
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

function startTime(pid: number): number | null {
  const stat = readProcFile(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The second field is the command in parentheses and may hold anything, ")" and spaces included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[19]);
}
