import { constants } from "node:os";
import { SyscallError } from "../../../ffi/errno.ts";
import { DEV_MCAST } from "../../../src/engine/multicasts-reader.ts";
import type { LinkMonitor, NamespaceSocket, System } from "../../../src/engine/system.ts";
import { decodeDeparture } from "../../../src/netlink/departure.ts";
import { decodeMessages } from "../../../src/netlink/message.ts";
import { RTM_DELLINK } from "../../../src/netlink/uapi.ts";
import { hold, letGo } from "./lifetime.ts";
import type { Link } from "./links.ts";
import { dumpMulticasts } from "./multicasts.ts";
import { linkNamed, type Namespace } from "./namespaces.ts";
import { createMonitor, type Monitor } from "./notifications.ts";
import type { Process } from "./processes.ts";
import { type ErrnoCode, Refusal, refuse } from "./refusal.ts";
import { answer } from "./rtnl.ts";
import { readSysctl, writeSysctl } from "./sysctls.ts";
import type { World } from "./world.ts";

/** What an fd of a process is. */
type Open =
  | { readonly type: "namespace"; readonly namespace: Namespace }
  | { readonly type: "pidfd"; readonly process: Process };

/** What a process of the model has of its kernel. Disposing is its end: all that it had open is closed. */
export interface ModelSystem extends System, Disposable {
  /** How many fds, sockets and monitors it has open. */
  readonly openCount: number;
  /** Cookies of the namespaces that it has an fd of. */
  heldCookies(): string[];
  /** Told when one of its monitors has something to be read, as poll(2) tells. */
  onReady: (() => void) | null;
  /** The namespace that an fd is of; refuses any other. */
  namespaceOf(fd: number): Namespace;
}

/** A process of the model that lives in the namespace `home`. */
export function createSystem(world: World, home: Namespace): ModelSystem {
  const fds = new Map<number, Open>();
  const others = new Set<Disposable>();
  const monitors = new Map<number, Monitor>();
  let lastFd = 2;
  let hasEnded = false;

  function add(open: Open): number {
    beAlive();
    lastFd += 1;
    if (open.type === "namespace") hold(open.namespace);
    fds.set(lastFd, open);
    return lastFd;
  }

  function close(fd: number): void {
    const open = fds.get(fd);
    fds.delete(fd);
    if (open?.type === "namespace") letGo(world, open.namespace);
  }

  /** What is still under way in a process that was killed gets nowhere. */
  function beAlive(): void {
    if (hasEnded) failed("syscall", "EBADF", "of a process that has ended");
  }

  function namespaceOf(fd: number): Namespace {
    const open = fds.get(fd) ?? refuse("EBADF");
    return open.type === "namespace" ? open.namespace : refuse("EINVAL");
  }

  function socketIn(namespace: Namespace): NamespaceSocket {
    const replies: Uint8Array[] = [];
    beAlive();
    hold(namespace);
    const socket: NamespaceSocket = {
      send(datagram) {
        if (!others.has(socket)) failed("sendto", "EBADF", "AF_NETLINK");
        replies.push(...answer({ world, namespace, namespaceOf }, datagram));
      },
      receive: () => replies.shift() ?? failed("recvfrom", "EAGAIN", "AF_NETLINK"),
      cookie: () => String(namespace.cookie),
      driver: (name) => linkNamed(namespace, name)?.driver ?? null,
      [Symbol.dispose]() {
        if (others.delete(socket)) letGo(world, namespace);
      },
    };
    others.add(socket);
    return socket;
  }

  function monitorIn(namespace: Namespace, monitor: Monitor): LinkMonitor {
    beAlive();
    hold(namespace);
    lastFd += 1;
    const fd = lastFd;
    const heard = {
      deliver: (datagram: Uint8Array) => {
        monitor.deliver(datagram);
        if (monitor.isReady()) system.onReady?.();
      },
    };
    namespace.monitors.add(heard);
    monitors.set(fd, monitor);
    const subscription = {
      fd,
      next: monitor.next,
      [Symbol.dispose]() {
        namespace.monitors.delete(heard);
        monitors.delete(fd);
        if (others.delete(subscription)) letGo(world, namespace);
      },
    };
    others.add(subscription);
    return subscription;
  }

  const homeFd = add({ type: "namespace", namespace: home });
  const system: ModelSystem = {
    homeFd,
    onReady: null,
    get openCount() {
      return fds.size + others.size;
    },
    heldCookies: () =>
      Array.from(fds.values()).flatMap((open) =>
        open.type === "namespace" ? [String(open.namespace.cookie)] : [],
      ),
    namespaceOf,
    home: () => socketIn(home),
    monitor: () => monitorIn(home, createMonitor(world.monitorCapacity)),
    departures: (fd) => monitorIn(namespaceOf(fd), createMonitor(world.monitorCapacity, isDeparture)),
    readySet() {
      const added = new Set<number>();
      return {
        fd: ++lastFd,
        add: (fd) => added.add(fd),
        remove: (fd) => added.delete(fd),
        ready: () => Array.from(added).filter((fd) => monitors.get(fd)?.isReady()),
        [Symbol.dispose]: () => added.clear(),
      };
    },
    enter(fd) {
      const open = fds.get(fd) ?? failed("setns", "EBADF", String(fd));
      return open.type === "namespace" ? socketIn(open.namespace) : failed("setns", "EINVAL", String(fd));
    },
    readSysctl(fd, path) {
      const namespace = namespaceOf(fd);
      return path === DEV_MCAST ? dumpMulticasts(namespace) : readSysctl(namespace, path);
    },
    writeSysctl(fd, path, text) {
      beAlive();
      try {
        writeSysctl(namespaceOf(fd), path, text);
      } catch (error) {
        if (error instanceof Refusal) failed("write", error.code, path);
        throw error;
      }
    },
    strayThreads: () => [],
    openNamespace(path) {
      const namespace = namespaceAt(world, path);
      if (namespace === undefined) return "nothing";
      return namespace === null ? "something else" : add({ type: "namespace", namespace });
    },
    namespaces() {
      const paths = new Map<Namespace, string>();
      const lead = (namespace: Namespace | null, path: string) => {
        if (namespace !== null && namespace !== home && !paths.has(namespace)) paths.set(namespace, path);
      };
      const latest = Array.from(world.processes.values()).toReversed();
      for (const { pid, namespace } of latest) lead(namespace, `/proc/${pid}/ns/net`);
      for (const [path, namespace] of world.files) lead(namespace, path);
      return Array.from(paths.values());
    },
    open: (path) =>
      add({ type: "namespace", namespace: namespaceAt(world, path) ?? failed("open", "ENOENT", path) }),
    close,
    openPidfd(pid) {
      const process = world.processes.get(pid) ?? failed("pidfd_open", "ESRCH", String(pid));
      if (process.isThread) failed("pidfd_open", "EINVAL", String(pid));
      return add({ type: "pidfd", process });
    },
    hasExited(pidfd) {
      const open = fds.get(pidfd);
      return open?.type === "pidfd" && open.process.namespace === null;
    },
    startTime: (pid) => world.processes.get(pid)?.startTime ?? null,
    virtioParent: (name) =>
      linkOn(world, ({ parentBus, parentDev }) => parentBus === "virtio" && parentDev === name)?.pci ?? null,
    physicalFunction: (address) => linkOn(world, ({ pci }) => pci === address)?.physfn ?? null,
    isSetUp: (ifindex) => home.links.get(ifindex)?.isSetUp ?? false,
    bootTime: () => world.now,
    [Symbol.dispose]() {
      hasEnded = true;
      for (const other of Array.from(others)) other[Symbol.dispose]();
      for (const fd of Array.from(fds.keys())) close(fd);
    },
  };
  return system;
}

/** As the filter of `src/netlink/departure.ts` has it. */
function isDeparture(datagram: Uint8Array): boolean {
  return decodeMessages(datagram).some(
    ({ type, payload }) => type === RTM_DELLINK && decodeDeparture(payload) !== null,
  );
}

/** The namespace under a path; null: another file; undefined: nothing. */
function namespaceAt(world: World, path: string): Namespace | null | undefined {
  const pid = /^\/proc\/(\d+)\/ns\/net$/.exec(path)?.[1];
  if (pid === undefined) return world.files.get(path);
  // init: what it does is not modelled, and it never ends.
  if (pid === "1") return world.namespaces[0];
  return world.processes.get(Number(pid))?.namespace ?? undefined;
}

/** The link for which `holds`, wherever it is: sysfs shows all of /sys/bus to everybody. */
function linkOn(world: World, holds: (link: Link) => boolean): Link | undefined {
  return world.namespaces.flatMap(({ links }) => Array.from(links.values())).find(holds);
}

function failed(call: string, code: ErrnoCode, subject: string): never {
  throw new SyscallError(call, constants.errno[code], subject);
}
