import { expect } from "bun:test";
import { createLinux } from "../../src/engine/linux.ts";
import { decodeDeparture } from "../../src/netlink/departure.ts";
import { decodeMessages } from "../../src/netlink/message.ts";
import { test } from "../helpers/live-test.ts";
import { startProcess } from "../helpers/process.ts";
import { openRoom } from "./socket-in.ts";

// Whoever listens in a container's namespace is to be woken by a device that leaves it, and by nothing else: what a
// container does to its devices all day is filtered out by the kernel.

test("a device that leaves is told, with where it went, and nothing else is", async () => {
  await using room = await openRoom();
  await using other = await startProcess(["unshare", "--net"]);
  const linux = createLinux();
  using monitor = linux.departures(room.fd);
  using ready = linux.readySet();
  ready.add(monitor.fd);
  await room.netns.ip(
    "link add d0 index 20 type veth peer name d1 index 21",
    "link set d0 up mtu 1300 address 02:00:00:00:00:01",
    "link set d0 name d2",
    "link property add dev d2 altname second",
    "addr add 192.0.2.1/24 dev d2",
    "link add br0 type bridge",
    "link set d1 master br0",
    "link set d1 nomaster",
    "link del br0",
    "tuntap add mode tap name t0",
    "link del t0",
  );
  expect(ready.ready()).toEqual([]);
  await room.netns.ip(`link set d1 netns ${other.pid}`);
  expect(ready.ready()).toEqual([monitor.fd]);
  const [message, ...more] = decodeMessages(monitor.next() ?? new Uint8Array());
  expect(more).toEqual([]);
  const nsid = (await room.netns.json("-details link show d2"))[0]?.link_netnsid;
  expect(decodeDeparture(message?.payload ?? new Uint8Array())).toEqual({
    ifindex: 21,
    nsid: Number(nsid),
    newIfindex: 21,
  });
  expect(monitor.next()).toBeNull();
  // The other one of the pair ends with it.
  await room.netns.ip("link del d2");
  expect(ready.ready()).toEqual([]);
  ready.remove(monitor.fd);
  linux.close(linux.homeFd);
});

test("each of several is told, also of one that goes there and back", async () => {
  await using room = await openRoom();
  await using other = await startProcess(["unshare", "--net"]);
  const linux = createLinux();
  using monitor = linux.departures(room.fd);
  await room.netns.ip("link add d0 type ifb");
  const there = `link set d0 netns ${other.pid}`;
  const back = `link set d0 netns ${room.process.pid}`;
  for (let round = 0; round < 3; round++) {
    await room.netns.ip(there);
    await other.netns.ip(back);
  }
  let told = 0;
  while (monitor.next() !== null) told += 1;
  expect(told).toBe(3);
  linux.close(linux.homeFd);
});
