/**
 * The process that the tests of setns windows look at: `bun netns-window.child.ts SCENARIO NETNS`.
 *
 * It is in a network namespace of its own, which is its home. It does what SCENARIO says with the namespace
 * at the path NETNS, tells what it saw as one line of JSON, and stays as it is until its stdin is closed.
 */
import { readdirSync } from "node:fs";
import { SyscallError } from "../../ffi/errno.ts";
import { allocate } from "../../ffi/memory.ts";
import { NetlinkSocket, receiveMemory } from "../../ffi/netlink-socket.ts";
import {
  closeFd,
  makeNamespace,
  namespaceLink,
  netlinkSocketIn,
  openOwnNamespace,
  openReadOnly,
  strayThreads,
} from "../../ffi/netns.ts";
import { type Report, windows } from "./netns-window.scenario.ts";

const [scenario = "", path = ""] = process.argv.slice(2);
const home = openOwnNamespace();
const homeLink = namespaceLink("/proc/thread-self/ns/net");
const target = openReadOnly(path);

const scenarios: Readonly<Record<string, () => Promise<Partial<Report>> | Partial<Report>>> = {
  /** Sockets of the target and of home, and their cookies. */
  cookies() {
    const receive = receiveMemory();
    const cookie = (namespace: number) => {
      using socket = new NetlinkSocket(netlinkSocketIn(namespace, home), { groups: 0, receive });
      return socket.cookie();
    };
    return { cookies: [cookie(home), cookie(target), cookie(target), cookie(home)] };
  },

  "windows of the main thread": () => windows(target, home),

  "windows of a Worker": () => inWorker("windows"),

  /** A Worker that enters the namespace and stays there. */
  "a stray": () => inWorker("stay"),

  /** Namespaces of its own making: their cookies after home's, and with the last one's fd the last one's end. */
  makes() {
    const receive = receiveMemory();
    const memory = allocate(64);
    const before = readdirSync("/proc/self/fd").length;
    const cookies = [home, makeNamespace(home, memory), makeNamespace(home, memory)].map((namespace) => {
      using socket = new NetlinkSocket(netlinkSocketIn(namespace, home), { groups: 0, receive });
      if (namespace !== home) closeFd(namespace);
      return socket.cookie();
    });
    return { cookies, leaked: readdirSync("/proc/self/fd").length - before };
  },

  /** Targets that are none: what it says, and whether any of them left something open. */
  "wrong targets"() {
    const file = openReadOnly("/proc/self/stat");
    const mount = openReadOnly("/proc/self/ns/mnt");
    const closed = openReadOnly("/proc/self/stat");
    closeFd(closed);
    const before = readdirSync("/proc/self/fd").length;
    const errors = [file, mount, closed, -1].map(failure);
    return { errors, leaked: readdirSync("/proc/self/fd").length - before };
  },

  /** No fd is left for the socket: the window fails in its middle. */
  "no fd left"() {
    const memory = allocate(64);
    const taken: number[] = [];
    const take = () => taken.push(openReadOnly("/proc/self/stat"));
    while (failureOf(take) === null);
    const errors = [failure(target), failureOf(() => makeNamespace(home, memory)) ?? "no error"];
    for (const fd of taken) closeFd(fd);
    return { errors };
  },

  /** The way home is gone: this must end the process. */
  "no way home"() {
    netlinkSocketIn(target, -1);
    return {};
  },
};

const run = scenarios[scenario];
if (run === undefined) throw new Error(`${scenario} is no scenario`);
const seen = await run();
const report: Report = {
  strays: strayThreads(homeLink),
  isHome: namespaceLink("/proc/thread-self/ns/net") === homeLink,
  ...seen,
};
console.log(JSON.stringify(report));
for await (const _ of Bun.stdin.stream());
process.exit(0);

function failureOf(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof SyscallError) return error.message;
    throw error;
  }
}

/** What a window into `fd` fails with, without the number that fd happens to have. */
function failure(fd: number): string {
  return failureOf(() => netlinkSocketIn(fd, home))?.replace(`fd ${fd}`, "fd N") ?? "no error";
}

async function inWorker(what: "windows" | "stay"): Promise<Partial<Report>> {
  const worker = new Worker(new URL("./netns-window.worker.ts", import.meta.url).href);
  return await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ what, target, home });
  });
}
