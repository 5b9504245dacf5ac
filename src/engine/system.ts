import type { Transport } from "../netlink/connection.ts";

/** An rtnetlink socket in one namespace, as the kernel service needs it. */
export interface NamespaceSocket extends Transport, Disposable {
  /** SO_NETNS_COOKIE, decimal. */
  cookie(): string;
  /** What drives the device of that name, as ethtool tells it; null where it does not say. */
  driver(name: string): string | null;
}

/** A subscription to RTNLGRP_LINK in one namespace. */
export interface LinkMonitor extends Disposable {
  /** Becomes readable with a notification. */
  readonly fd: number;
  /** The next notification that is there already, or null. */
  next(): Uint8Array | null;
}

/** Many fds as one, which is readable while one of them is. */
export interface ReadySet extends Disposable {
  readonly fd: number;
  /** An fd that is in it has to be removed before it is closed. */
  add(fd: number): void;
  remove(fd: number): void;
  /** Those that are readable now; not all of them, where they are many. */
  ready(): readonly number[];
}

/**
 * All that the kernel service needs of the operating system. The shipped one is made of ffi/; the tests
 * put a model in its place.
 *
 * fds are numbers that mean nothing but to the same System. Failures are SyscallErrors.
 */
export interface System {
  /** A socket at home: the namespace that the daemon was started in. */
  home(): NamespaceSocket;
  /** An fd of the home namespace, for the way back. */
  readonly homeFd: number;
  monitor(): LinkMonitor;
  /** A subscription inside the namespace of an fd, to devices that leave it for another and to nothing else. */
  departures(namespace: number): LinkMonitor;
  readySet(): ReadySet;
  /** A socket inside the namespace of an fd. */
  enter(namespace: number): NamespaceSocket;
  /**
   * What a file below /proc/sys/net, or /proc/thread-self/net, says in the namespace of an fd; null where it is not there
   * or says nothing.
   */
  readSysctl(namespace: number, path: string): string | null;
  /** Writes to a file below /proc/sys/net of the namespace of an fd. */
  writeSysctl(namespace: number, path: string, text: string): void;
  /** Threads of this process that are in a foreign namespace; always none, or something is wrong. */
  strayThreads(): number[];
  /**
   * Opens a path if it leads to a network namespace; else says what it leads to. Nothing else is opened on the
   * way, whatever somebody puts there meanwhile.
   */
  openNamespace(path: string): number | "nothing" | "something else";
  /**
   * Paths that lead to network namespaces, our own aside: one for each that a process is in or that is mounted,
   * wherever that is. Found one after another, as they are asked for.
   */
  namespaces(): Iterable<string>;
  open(path: string): number;
  close(fd: number): void;
  openPidfd(pid: number): number;
  hasExited(pidfd: number): boolean;
  /** Field 22 of /proc/PID/stat, clock ticks since boot; null where there is no such process any more. */
  startTime(pid: number): number | null;
  /** The PCI device that the virtio device `name` is part of; null where it is part of none. */
  virtioParent(name: string): string | null;
  /** The PF of which the PCI device `address` is a VF; null where it is none. */
  physicalFunction(address: string): string | null;
  /** Whether udev, where it manages the devices at home, is done with the one that has come under this ifindex. */
  isSetUp(ifindex: number): boolean;
  /** CLOCK_BOOTTIME, milliseconds. */
  bootTime(): number;
}
