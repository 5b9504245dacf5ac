import { SyscallError } from "../../ffi/errno.ts";
import { checked, lastErrno, libc } from "../../ffi/libc.ts";
import { allocate } from "../../ffi/memory.ts";
import { SOCK_CLOEXEC, SOCK_RAW, SOL_SOCKET } from "../../ffi/netlink-socket.ts";
import { parseIp } from "../../src/domain/ip.ts";
import { answers, type Echo, echoRequest } from "./icmp.ts";

// A small ping(8), which not every machine has: bun test/demo/ping.ts ADDRESS...
// Three echoes to each address; exits 1 where one is not answered within a second.

const COUNT = 3;
const PAUSE_MS = 100;
const PATIENCE_MS = 1000;
/** AF_* and IPPROTO_* (netinet/in.h). */
const FAMILIES = { inet: { number: 2, protocol: 1 }, inet6: { number: 10, protocol: 58 } } as const;
const SO_RCVTIMEO = 20;
const EAGAIN = 11;

const received = allocate(2048);

const missing = await Promise.all(process.argv.slice(2).map(ping));
process.exit(missing.every((count) => count === 0) ? 0 : 1);

/** Tells how `address` answered; gives how many echoes it left unanswered. */
async function ping(address: string): Promise<number> {
  const bytes = parseIp(address);
  if (bytes === null) throw new Error(`${address} is no IP address`);
  const family = bytes.length === 4 ? "inet" : "inet6";
  const times: number[] = [];
  for (let sequence = 1; sequence <= COUNT; sequence++) {
    if (sequence > 1) await Bun.sleep(PAUSE_MS);
    const time = echo(bytes, { family, identifier: process.pid & 0xffff, sequence });
    if (time !== null) times.push(time);
  }
  const fastest = times.length === 0 ? "" : `, the fastest in ${Math.min(...times).toFixed(2)} ms`;
  console.log(`${address} answered ${times.length} of ${COUNT} pings${fastest}`);
  return COUNT - times.length;
}

/** Milliseconds until the answer; null: none came. */
function echo(address: Uint8Array, echo: Echo): number | null {
  const { number, protocol } = FAMILIES[echo.family];
  const socket = checked("socket", libc.socket(number, SOCK_RAW | SOCK_CLOEXEC, protocol), "SOCK_RAW");
  try {
    const timeout = allocate(16);
    timeout.view.setBigUint64(8, BigInt(PATIENCE_MS * 1000 - 1), true);
    checked("setsockopt", libc.setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, timeout.address, 16));
    const to = sockaddr(number, address);
    const request = echoRequest(echo);
    const started = performance.now();
    checked("sendto", libc.sendto(socket, request, request.length, 0, to, to.length), "an echo request");
    while (performance.now() - started < PATIENCE_MS) {
      const length = Number(libc.recvfrom(socket, received.address, received.bytes.length, 0, null, null));
      if (length < 0 && lastErrno() === EAGAIN) return null;
      if (length < 0) throw new SyscallError("recvfrom", lastErrno());
      if (answers(received.bytes.subarray(0, length), echo)) return performance.now() - started;
    }
    return null;
  } finally {
    libc.close(socket);
  }
}

/** struct sockaddr_in or sockaddr_in6: family, port, flow information (IPv6), address, and the rest zeros. */
function sockaddr(family: number, address: Uint8Array): Uint8Array<ArrayBuffer> {
  const isIpv6 = address.length === 16;
  const bytes = new Uint8Array(new ArrayBuffer(isIpv6 ? 28 : 16));
  new DataView(bytes.buffer).setUint16(0, family, true);
  bytes.set(address, isIpv6 ? 8 : 4);
  return bytes;
}
