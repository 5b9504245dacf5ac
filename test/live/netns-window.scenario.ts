import { readFile } from "node:fs/promises";
import { allocate } from "../../ffi/memory.ts";
import { NetlinkSocket, receiveMemory } from "../../ffi/netlink-socket.ts";
import { closeFd, netlinkSocketIn, openIn } from "../../ffi/netns.ts";

/** What a scenario saw. */
export interface Report {
  /** Ids of the threads that are not at home. */
  readonly strays: readonly number[];
  /** Whether the main thread is at home. */
  readonly isHome: boolean;
  readonly cookies?: readonly string[];
  readonly windows?: number;
  readonly errors?: readonly string[];
  /** fds that are open and were not before. */
  readonly leaked?: number;
}

const WINDOWS = 20_000;

/**
 * Opens and closes a socket or a file of `target` 20,000 times, while Bun has ever more reasons to start or wake its
 * helper threads: nothing but the windows at first, in a process that has few threads yet, then garbage, then
 * forced collections, freshly compiled code and reads in the thread pool.
 */
export async function windows(target: number, home: number): Promise<Partial<Report>> {
  const receive = receiveMemory();
  const path = allocate(64);
  const cookies = new Set<string>();
  let garbage: unknown[] = [];
  for (let at = 0; at < WINDOWS; at++) {
    if (at % 3 === 0) {
      closeFd(openIn(target, home, "/proc/sys/net/ipv4/conf/lo/forwarding", "read", path));
      continue;
    }
    const fd = netlinkSocketIn(target, home);
    if (at % 100 === 0) {
      using socket = new NetlinkSocket(fd, { groups: 0, receive });
      cookies.add(socket.cookie());
    } else {
      closeFd(fd);
    }
    if (at < WINDOWS / 4) continue;
    garbage.push(new Array(50).fill({ at }), new Uint8Array(at % 4096));
    if (garbage.length > 2_000) garbage = [];
    if (at < WINDOWS / 2) continue;
    if (at % 500 === 0) Bun.gc(at % 1_000 === 0);
    if (at % 50 === 0) compile(at);
    // Not awaited, so that the pool works while the next windows are open.
    if (at % 200 === 0) void readFile("/proc/self/stat");
    if (at % 1_000 === 0) await Bun.sleep(0);
  }
  return { windows: WINDOWS, cookies: [...cookies] };
}

function compile(seed: number): void {
  new Function("n", `let sum = ${seed}; for (let i = 0; i < n; i++) sum += i; return sum;`)(500);
}
