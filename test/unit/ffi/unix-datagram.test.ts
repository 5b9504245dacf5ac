import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SyscallError } from "../../../ffi/errno.ts";
import { cmsghdr, iovec, msghdr, sendUnixDatagram, unixAddress } from "../../../ffi/unix-datagram.ts";
import { DatagramReceiver } from "../../helpers/datagram-receiver.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "netdevd-datagram-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function refusalOf(act: () => void): SyscallError {
  try {
    act();
  } catch (error) {
    if (error instanceof SyscallError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("layouts", () => {
  // sizeof and offsetof as gcc gives them for x86-64 and arm64 alike.
  test("msghdr", () => {
    expect(msghdr.size).toBe(56);
    expect(msghdr.offsets).toEqual({
      msg_name: 0,
      msg_namelen: 8,
      msg_iov: 16,
      msg_iovlen: 24,
      msg_control: 32,
      msg_controllen: 40,
      msg_flags: 48,
    });
  });

  test("iovec and cmsghdr", () => {
    expect(iovec.size).toBe(16);
    expect(cmsghdr.size).toBe(16);
    expect(cmsghdr.offsets).toEqual({ cmsg_len: 0, cmsg_level: 8, cmsg_type: 12 });
  });
});

describe("unixAddress", () => {
  test("of a path ends with a NUL", () => {
    expect([...unixAddress("/a")]).toEqual([1, 0, 0x2f, 0x61, 0]);
  });

  test("of an abstract name begins with one", () => {
    expect([...unixAddress("@a")]).toEqual([1, 0, 0, 0x61]);
  });

  test("takes what fits into sun_path, and no more", () => {
    expect(unixAddress(`/${"x".repeat(106)}`).length).toBe(110);
    expect(() => unixAddress(`/${"x".repeat(107)}`)).toThrow(RangeError);
    expect(unixAddress(`@${"x".repeat(107)}`).length).toBe(110);
    expect(() => unixAddress(`@${"x".repeat(108)}`)).toThrow(RangeError);
  });
});

describe("sendUnixDatagram", () => {
  test.each(["path", "abstract"])("reaches a socket by its %s address", (kind) => {
    const path = kind === "path" ? join(folder, "plain.sock") : `@netdevd-test-${process.pid}`;
    using receiver = new DatagramReceiver(path);
    sendUnixDatagram(path, bytes("one"));
    sendUnixDatagram(path, bytes("two"));
    expect(receiver.receive()).toEqual({ text: "one", fds: [] });
    expect(receiver.receive()).toEqual({ text: "two", fds: [] });
  });

  test("carries an empty datagram", () => {
    const path = join(folder, "empty.sock");
    using receiver = new DatagramReceiver(path);
    sendUnixDatagram(path, bytes(""));
    expect(receiver.receive()).toEqual({ text: "", fds: [] });
  });

  // An odd number ends its control message off the 8-byte boundary.
  test.each([1, 2, 3, 253])("hands %i fds over, each of the file that it was", (count) => {
    const path = join(folder, `fds-${count}.sock`);
    using receiver = new DatagramReceiver(path);
    const files = Array.from({ length: count }, (_, at) => join(folder, `file-${at}`));
    for (const file of files) writeFileSync(file, "");
    const fds = files.map((file) => openSync(file, "r"));
    sendUnixDatagram(path, bytes("FDSTORE=1"), fds);
    const received = receiver.receive();
    expect(received.text).toBe("FDSTORE=1");
    expect(received.fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`))).toEqual(files);
    for (const fd of [...fds, ...received.fds]) closeSync(fd);
  });

  test.each([
    ["nobody is there", join(tmpdir(), "netdevd-no-such.sock"), [], "ENOENT"],
    ["no abstract name is bound", "@netdevd-no-such", [], "ECONNREFUSED"],
  ] as const)("says so where %s", (_, path, fds, code) => {
    const error = refusalOf(() => sendUnixDatagram(path, bytes("x"), fds));
    expect(error.code).toBe(code);
    expect(error.message).toContain(path);
  });

  test.each([
    ["an fd is none", [1_000_000], "EBADF"],
    ["the fds are too many", new Array<number>(254).fill(0), "EINVAL"],
  ] as const)("says so where %s", (_, fds, code) => {
    const path = join(folder, `${code}.sock`);
    using _receiver = new DatagramReceiver(path);
    expect(refusalOf(() => sendUnixDatagram(path, bytes("x"), fds)).code).toBe(code);
  });

  test("gives a receiver up that does not read", () => {
    const path = join(folder, "full.sock");
    using _receiver = new DatagramReceiver(path);
    const begun = performance.now();
    const error = refusalOf(() => {
      // More than any net.unix.max_dgram_qlen in use.
      for (let sent = 0; sent < 100_000; sent++) sendUnixDatagram(path, bytes("x"));
    });
    expect(error.code).toBe("EAGAIN");
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  test("leaves no fd behind, sent or refused", () => {
    const path = join(folder, "leak.sock");
    using receiver = new DatagramReceiver(path);
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 20; round++) {
      sendUnixDatagram(path, bytes("x"));
      receiver.receive();
      refusalOf(() => sendUnixDatagram(`${path}-none`, bytes("x")));
    }
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});
