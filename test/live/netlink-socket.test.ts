import { describe, expect } from "bun:test";
import { existsSync } from "node:fs";
import { SyscallError } from "../../ffi/errno.ts";
import { checked, libc } from "../../ffi/libc.ts";
import { allocate } from "../../ffi/memory.ts";
import {
  AF_NETLINK,
  NetlinkSocket,
  receiveMemory,
  SOL_SOCKET,
  sockaddr_nl,
} from "../../ffi/netlink-socket.ts";
import { openReadOnly } from "../../ffi/netns.ts";
import { createReadableTest } from "../../ffi/poll.ts";
import { addressMessage, decodeAddress, getAddresses } from "../../src/netlink/address.ts";
import { connect } from "../../src/netlink/connection.ts";
import { decodeLink, getLink, getLinkByName, getLinks, linkMessage } from "../../src/netlink/link.ts";
import { decodeMessages, encodeMessage } from "../../src/netlink/message.ts";
import { NetlinkError } from "../../src/netlink/netlink-error.ts";
import { RTM_GETADDR, RTM_NEWLINK, RTMGRP_LINK } from "../../src/netlink/uapi.ts";
import { test } from "../helpers/live-test.ts";
import { openRoom, type Room } from "./socket-in.ts";

const [SO_RCVBUF, SO_RCVTIMEO] = [8, 20];
const ENOTSOCK = 88;

/** Commands that make `count` devices d0, d1, … with ifindexes from 10 on. */
function devices(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `link add d${at} index ${at + 10} type ifb`);
}

/** Names of the devices that a dump tells of. */
function namesIn(messages: ReturnType<ReturnType<typeof connect>["dump"]>): string[] {
  return messages.map(({ payload }) => decodeLink(payload).name);
}

/** Everything that is there to be read. */
function drain(socket: NetlinkSocket): number {
  let read = 0;
  while (socket.receiveNow() !== null) read++;
  return read;
}

/** Changes 100 devices again and again, each change a notification: far more than a receive buffer holds. */
async function overrun(room: Room): Promise<void> {
  const names = (await room.netns.names()).slice(0, 100);
  const rounds = Array.from({ length: 80 }, (_, at) =>
    names.map((name) => `link set ${name} txqueuelen ${at + 50}`),
  );
  await room.netns.ip(...rounds.flat());
}

describe("a NetlinkSocket", () => {
  test("tells of its namespace by a cookie: one for all of its sockets, another for another's", async () => {
    await using one = await openRoom();
    await using other = await openRoom();
    const cookies = [one.socket(), one.socket(), other.socket()].map((socket) => socket.cookie());
    expect(cookies[0]).toMatch(/^\d+$/);
    expect(cookies[1]).toBe(cookies[0]);
    expect(cookies[2]).not.toBe(cookies[0]);
  });

  test("closes its fd once, and that of a file that is no socket as well", async () => {
    await using room = await openRoom();
    const socket = room.socket();
    const { fd } = socket;
    expect(existsSync(`/proc/self/fd/${fd}`)).toBe(true);
    socket[Symbol.dispose]();
    expect(existsSync(`/proc/self/fd/${fd}`)).toBe(false);
    // The number now belongs to somebody else, whom a second dispose must not hurt.
    const file = openReadOnly("/proc/self/stat");
    expect(file).toBe(fd);
    socket[Symbol.dispose]();
    expect(existsSync(`/proc/self/fd/${file}`)).toBe(true);

    const make = () => new NetlinkSocket(file, { groups: 0, receive: receiveMemory() });
    expect(make).toThrow(new SyscallError("bind", ENOTSOCK, "AF_NETLINK"));
    expect(existsSync(`/proc/self/fd/${file}`)).toBe(false);
  });

  test("waits ten seconds at most, and has room for 4 MiB of notifications", async () => {
    await using room = await openRoom();
    const { fd } = room.socket();
    const option = (number: number) => {
      const [value, length] = [allocate(16), allocate(4)];
      length.view.setUint32(0, 16, true);
      const result = libc.getsockopt(fd, SOL_SOCKET, number, value.address, length.address);
      checked("getsockopt", result);
      return value.view;
    };
    const timeout = option(SO_RCVTIMEO);
    expect([timeout.getBigUint64(0, true), timeout.getBigUint64(8, true)]).toEqual([10n, 0n]);
    // The kernel doubles what it is asked for (socket(7), SO_RCVBUF).
    expect(option(SO_RCVBUF).getUint32(0, true)).toBe(2 * 4 * 1024 * 1024);
  });

  test("is checked strictly, and is told why and where a request is wrong", async () => {
    await using room = await openRoom();
    await room.netns.ip(...devices(2), "address add 192.0.2.1/24 dev d0", "address add 192.0.2.2/24 dev d1");
    const connection = room.connection();
    const found = connection.dump(getAddresses(10)).map(({ payload }) => decodeAddress(payload));
    expect(found.map(({ ifindex, address }) => `${ifindex} ${address.local}`)).toEqual(["10 192.0.2.1"]);

    // A member that no filter may have: only strict checking objects.
    const wrong = addressMessage.request(RTM_GETADDR, 0, { ifa_index: 10, ifa_scope: 1 }, {}, "list");
    expect(() => connection.dump(wrong)).toThrow(
      /^list: EINVAL: .*invalid values in header for address dump/i,
    );

    const values = { IFLA_MTU: 1400, IFLA_IFNAME: "a-name-of-more-than-15-bytes" };
    const long = linkMessage.request(RTM_NEWLINK, 0, { ifi_index: 10 }, values, "rename d0");
    expect(() => connection.request(long)).toThrow(
      new NetlinkError("rename d0", 34, "Attribute failed policy validation", "IFLA_IFNAME"),
    );
  });

  test("hears the kernel alone: what another process sends to its port is not there", async () => {
    await using room = await openRoom();
    await room.netns.ip(...devices(1));
    const [monitor, forger] = [room.socket(RTMGRP_LINK), room.socket()];
    const [reply] = connect(monitor).request(getLink(10));
    const port = reply?.port ?? 0;
    const forged = encodeMessage({
      type: RTM_NEWLINK,
      flags: 0,
      sequence: 0,
      port,
      payload: linkMessage.encode({ ifi_index: 10 }, { IFLA_IFNAME: "forged" }),
    });
    const address = allocate(sockaddr_nl.size);
    sockaddr_nl.encode({ nl_family: AF_NETLINK, nl_pid: port }, address.view, 0);
    const forge = () =>
      checked("sendto", libc.sendto(forger.fd, forged, forged.length, 0, address.address, sockaddr_nl.size));

    forge();
    expect(namesIn(connect(monitor).request(getLink(10)))).toEqual(["d0"]);
    forge();
    await room.netns.ip("link set d0 txqueuelen 77");
    const next = monitor.receiveNow();
    expect(next === null ? null : namesIn(decodeMessages(next))).toEqual(["d0"]);
    expect(monitor.receiveNow()).toBeNull();
  });
});

describe("a dump", () => {
  test("of 3,000 devices is read whole", async () => {
    await using room = await openRoom();
    await room.netns.ip(...devices(3_000));
    const names = namesIn(room.connection().dump(getLinks()));
    expect(names).toHaveLength(3_001);
    expect(names.filter((name) => name !== "lo").sort()).toEqual(await room.netns.names());
  });

  test("misses none of those that stay while others come and go", async () => {
    await using room = await openRoom();
    await room.netns.ip(...devices(300));
    const staying = new Set(await room.netns.names());
    const comings = Array.from({ length: 60 }, (_, at) => [`link add x${at} type ifb`, `link del x${at}`]);
    const connection = room.connection();
    let ended = false;
    const change = room.netns.ip(...comings.flat()).finally(() => {
      ended = true;
    });
    let dumps = 0;
    while (!ended) {
      const names = new Set(namesIn(connection.dump(getLinks())));
      expect(staying.difference(names)).toEqual(new Set());
      dumps++;
      await Bun.sleep(1);
    }
    await change;
    expect(dumps).toBeGreaterThan(3);
  });

  test("over a socket whose buffer has overrun is whole nonetheless", async () => {
    await using room = await openRoom();
    await room.netns.ip(...devices(200));
    const monitor = room.socket(RTMGRP_LINK);
    await overrun(room);
    expect(namesIn(connect(monitor).dump(getLinks()))).toHaveLength(201);
  });
});

describe("a socket that is subscribed to RTMGRP_LINK", () => {
  test("tells of changes, is readable where there are some, and gives null where there is none", async () => {
    await using room = await openRoom();
    const monitor = room.socket(RTMGRP_LINK);
    expect(createReadableTest()(monitor.fd)).toBe(false);
    expect(monitor.receiveNow()).toBeNull();
    await room.netns.ip(...devices(1));
    expect(createReadableTest()(monitor.fd)).toBe(true);
    const next = monitor.receiveNow();
    expect(next === null ? null : namesIn(decodeMessages(next))).toEqual(["d0"]);
    expect(createReadableTest()(monitor.fd)).toBe(false);
  });

  test("says ENOBUFS once after an overrun, then what it still has, then what comes", async () => {
    await using room = await openRoom();
    await room.netns.ip(...devices(100));
    const monitor = room.socket(RTMGRP_LINK);
    await overrun(room);
    expect(() => monitor.receiveNow()).toThrow("recvfrom AF_NETLINK: ENOBUFS: no buffer space available");
    expect(drain(monitor)).toBeGreaterThan(100);

    await room.netns.ip("link set d0 mtu 1400");
    const next = monitor.receiveNow();
    expect(next === null ? null : decodeMessages(next).map(({ payload }) => decodeLink(payload).mtu)).toEqual(
      [1400],
    );
    expect(namesIn(connect(monitor).dump(getLinks()))).toHaveLength(101);
    expect(namesIn(connect(monitor).request(getLinkByName("d7")))).toEqual(["d7"]);
  });
});
