import { expect, test } from "bun:test";
import type { Device } from "../../src/domain/device.ts";
import { decodeAttributes, encodeAttributes } from "../../src/netlink/attribute.ts";
import { decodeDeparture } from "../../src/netlink/departure.ts";
import { decodeLink, getLinks, ifinfomsg, linkMessage } from "../../src/netlink/link.ts";
import { decodeMessages, encodeMessage } from "../../src/netlink/message.ts";
import { RTM_DELLINK, RTM_NEWLINK } from "../../src/netlink/uapi.ts";
import { capture, datagram } from "./captures.ts";
import { captured, replay } from "./wire.ts";

const FILE = "link-replies.txt";

/** What is the same for most of them. */
const plain: Device = {
  ifindex: 7,
  name: "d0",
  altnames: [],
  alias: null,
  kind: null,
  type: 1,
  mac: "02:00:00:00:00:07",
  permanentMac: null,
  mtu: 1500,
  txqueuelen: 1000,
  group: 0,
  flags: 0x1000,
  up: false,
  operstate: "down",
  link: null,
  linkNetnsid: null,
  master: null,
  slaveKind: null,
  underlay: null,
  remote: null,
  parentBus: null,
  parentDev: null,
  netnsImmutable: false,
};

test.each<{ name: string; device: Device }>([
  {
    name: "lo",
    device: {
      ...plain,
      ifindex: 1,
      name: "lo",
      type: 772,
      mac: "00:00:00:00:00:00",
      mtu: 65536,
      flags: 0,
      up: true,
      operstate: "unknown",
      netnsImmutable: true,
    },
  },
  { name: "veth with its peer in the same namespace", device: { ...plain, kind: "veth", link: 8 } },
  {
    name: "veth with its peer in another namespace",
    device: { ...plain, kind: "veth", link: 8, linkNetnsid: 0 },
  },
  {
    name: "tap with an alias and altnames",
    device: {
      ...plain,
      ifindex: 2,
      kind: "tun",
      mac: "02:00:00:00:00:02",
      alias: "uplink of rack 7",
      altnames: ["enp1s0", "an-altname-of-26-characters", "x"],
      mtu: 9000,
      txqueuelen: 500,
      group: 7,
      up: true,
    },
  },
  { name: "ifb", device: { ...plain, kind: "ifb", flags: 0x80, txqueuelen: 32 } },
  { name: "macvlan", device: { ...plain, kind: "macvlan", link: 8 } },
  { name: "vxlan", device: { ...plain, kind: "vxlan", mtu: 1450, underlay: 8 } },
  { name: "bridge", device: { ...plain, kind: "bridge", netnsImmutable: true } },
  {
    name: "bridge port",
    device: { ...plain, kind: "ifb", flags: 0x80, txqueuelen: 32, master: 8, slaveKind: "bridge" },
  },
])("$name", ({ name, device }) => {
  const message = captured(FILE, name);
  expect(message.type).toBe(RTM_NEWLINK);
  expect(decodeLink(message.payload)).toEqual(device);
});

test("a device that was moved away tells where it went", () => {
  const { type, payload } = captured(FILE, "moved away");
  const { header, values } = linkMessage.decode(payload);
  expect({ type, ifindex: header.ifi_index, name: values.IFLA_IFNAME }).toEqual({
    type: RTM_DELLINK,
    ifindex: 7,
    name: "d0",
  });
  expect({ netnsid: values.IFLA_NEW_NETNSID, ifindex: values.IFLA_NEW_IFINDEX }).toEqual({
    netnsid: 0,
    ifindex: 2,
  });
  expect(decodeDeparture(payload)).toEqual({ ifindex: 7, nsid: 0, newIfindex: 2 });
});

test("a device that was deleted tells of no place to be", () => {
  const { type, payload } = captured(FILE, "deleted");
  const { values } = linkMessage.decode(payload);
  expect(type).toBe(RTM_DELLINK);
  expect(values.IFLA_IFNAME).toBe("d0");
  expect(values.IFLA_NEW_NETNSID).toBeUndefined();
  expect(values.IFLA_NEW_IFINDEX).toBeUndefined();
  expect(decodeDeparture(payload)).toBeNull();
});

test("a dump of several datagrams gives every device once", () => {
  const messages = replay(FILE, "dump", (connection) => connection.dump(getLinks()));
  const devices = messages.map((message) => decodeLink(message.payload));
  expect(devices.map(({ ifindex, name, mac }) => ({ ifindex, name, mac }))).toEqual([
    { ifindex: 1, name: "lo", mac: "00:00:00:00:00:00" },
    { ifindex: 7, name: "d0", mac: "02:00:00:00:00:07" },
    { ifindex: 8, name: "d1", mac: "02:00:00:00:00:08" },
    { ifindex: 9, name: "d2", mac: "02:00:00:00:00:09" },
  ]);
  expect(capture(FILE, "dump").datagrams.length).toBeGreaterThan(1);
});

test.each([
  "lo",
  "veth with its peer in another namespace",
  "tap with an alias and altnames",
  "vxlan",
  "bridge port",
  "moved away",
])("the kernel's own bytes of %p come out again as they went in", (name) => {
  const bytes = datagram(FILE, name);
  const messages = decodeMessages(bytes).map((message) => {
    const header = message.payload.subarray(0, ifinfomsg.size);
    const attributes = encodeAttributes(decodeAttributes(message.payload.subarray(ifinfomsg.size)));
    return encodeMessage({ ...message, payload: Buffer.concat([header, attributes]) });
  });
  expect(Buffer.concat(messages).toHex()).toBe(bytes.toHex());
});

test("what the tables do not know is kept as it came", () => {
  const { values, unknown } = linkMessage.decode(captured(FILE, "lo").payload);
  const IFLA_QDISC = 6;
  const qdisc = unknown.find(({ type }) => type === IFLA_QDISC);
  expect(new TextDecoder().decode(qdisc?.payload)).toBe("noqueue\0");
  const known = Object.keys(values).length;
  const all = decodeAttributes(captured(FILE, "lo").payload.subarray(ifinfomsg.size)).length;
  expect(known + unknown.length).toBe(all);
});
