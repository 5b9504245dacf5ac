import { describe, expect } from "bun:test";
import type { LinkChange } from "../../src/domain/step.ts";
import type { Connection } from "../../src/netlink/connection.ts";
import {
  addAltname,
  changeLink,
  decodeLink,
  deleteAltname,
  getLink,
  getLinkByName,
} from "../../src/netlink/link.ts";
import { test } from "../helpers/live-test.ts";
import { refusal } from "./refusal.ts";
import { openRoom } from "./socket-in.ts";

const IFINDEX = 10;
const NOTHING: LinkChange = {
  name: null,
  mtu: null,
  mac: null,
  alias: null,
  txqueuelen: null,
  group: null,
  master: null,
  flags: null,
  up: null,
};
const D0 = `link add d0 index ${IFINDEX} type veth peer name far index 11`;

function device(connection: Connection, ifindex = IFINDEX) {
  const [reply] = connection.request(getLink(ifindex));
  if (reply === undefined) throw new Error(`nothing was told of device ${ifindex}`);
  return decodeLink(reply.payload);
}

describe("a change of a link", () => {
  test("of all that there is to change is seen by ip(8), and read back the same", async () => {
    await using room = await openRoom();
    await room.netns.ip(D0);
    const connection = room.connection();
    const change: LinkChange = {
      name: "uplink0",
      mtu: 1400,
      mac: "02:00:00:00:00:2a",
      alias: "uplink of rack 7",
      txqueuelen: 77,
      group: 7,
      master: null,
      flags: 0x1100,
      up: true,
    };
    connection.request(changeLink(IFINDEX, change, null, "change d0"));

    const [seen] = await room.netns.json("link show dev uplink0");
    expect(seen).toMatchObject({
      ifindex: IFINDEX,
      ifname: "uplink0",
      mtu: 1400,
      address: "02:00:00:00:00:2a",
      ifalias: "uplink of rack 7",
      txqlen: 77,
      group: "7",
      flags: expect.arrayContaining(["UP", "PROMISC", "MULTICAST"]),
    });
    expect(device(connection)).toMatchObject(change);
  });

  test("takes an alias of any length that ip(8) can give, and none", async () => {
    await using room = await openRoom();
    await room.netns.ip(D0);
    const connection = room.connection();
    for (const length of [1, 254, 255, 0]) {
      const alias = "a".repeat(length);
      connection.request(changeLink(IFINDEX, { ...NOTHING, alias }, null, "name d0"));
      const [seen] = await room.netns.json("link show dev d0");
      expect(seen?.ifalias ?? "").toBe(alias);
    }
  });

  test("moves it, asks for its ifindex there, and tells when that is taken", async () => {
    await using room = await openRoom();
    await using other = await openRoom();
    await room.netns.ip(D0);
    await other.netns.ip("link add x index 77 type ifb");
    const connection = room.connection();
    const move = (newIfindex: number) => () =>
      connection.request(
        changeLink(
          IFINDEX,
          { ...NOTHING, name: "eth1", mtu: 1400 },
          { namespace: other.fd, newIfindex },
          "move d0",
        ),
      );
    expect(refusal(move(77))).toBe("EBUSY: The ifindex 77 is not available in the target netns");
    expect(refusal(move(78))).toBe("done");
    expect(refusal(() => device(connection))).toBe("ENODEV: null");
    expect(await other.netns.json("link show dev eth1")).toMatchObject([{ ifindex: 78, mtu: 1400 }]);
    expect(device(other.connection(), 78)).toMatchObject({ name: "eth1", link: 11, linkNetnsid: 0 });
  });

  test("is refused in the kernel's words", async () => {
    await using room = await openRoom();
    await using other = await openRoom();
    await room.netns.ip(D0);
    await other.netns.ip("link add d0 type ifb");
    const connection = room.connection();
    const change = (wish: Partial<LinkChange>) => () =>
      connection.request(changeLink(IFINDEX, { ...NOTHING, ...wish }, null, "change d0"));
    const move = (namespace: number) => () =>
      connection.request(changeLink(IFINDEX, NOTHING, { namespace, newIfindex: null }, "move d0"));
    expect(refusal(change({ mtu: 1 }))).toBe("EINVAL: mtu less than device minimum");
    expect(refusal(change({ name: "far" }))).toBe("EEXIST: null");
    expect(refusal(change({ mac: "01:00:00:00:00:01" }))).toBe("EADDRNOTAVAIL: null");
    expect(refusal(move(other.fd))).toBe(
      "EEXIST: An interface with the same name exists in the target netns",
    );
    expect(refusal(move(-1))).toBe("EBADF: null");
    expect(device(connection)).toMatchObject({ name: "d0", mtu: 1500 });
  });

  test("in a batch stands or falls alone", async () => {
    await using room = await openRoom();
    await room.netns.ip(D0);
    const connection = room.connection();
    const results = connection.batch([
      changeLink(IFINDEX, { ...NOTHING, txqueuelen: 77 }, null, "one"),
      changeLink(IFINDEX, { ...NOTHING, mtu: 1 }, null, "two"),
      changeLink(4711, { ...NOTHING, mtu: 1400 }, null, "three"),
      changeLink(IFINDEX, { ...NOTHING, group: 7 }, null, "four"),
    ]);
    expect(results.map((error) => error?.message ?? null)).toEqual([
      null,
      "two: EINVAL: mtu less than device minimum",
      "three: ENODEV: no such device",
      null,
    ]);
    expect(device(connection)).toMatchObject({ txqueuelen: 77, mtu: 1500, group: 7 });
  });
});

test("altnames come and go, and a device is found by any of its names", async () => {
  await using room = await openRoom();
  await room.netns.ip(D0);
  const connection = room.connection();
  const altnames = ["enp1s0", "an-altname-of-26-characters", "x".repeat(127)];
  for (const name of altnames) connection.request(addAltname(IFINDEX, name, `give d0 the altname ${name}`));
  expect(await room.netns.json("link show dev d0")).toMatchObject([{ altnames }]);
  expect(device(connection).altnames).toEqual(altnames);
  expect(refusal(() => connection.request(addAltname(IFINDEX, "far", "name d0")))).toBe("EEXIST: null");

  for (const name of ["d0", ...altnames]) {
    const [found] = connection.request(getLinkByName(name));
    expect(found === undefined ? null : decodeLink(found.payload).ifindex).toBe(IFINDEX);
  }
  expect(refusal(() => connection.request(getLinkByName("nobody")))).toBe("ENODEV: null");

  for (const name of altnames) connection.request(deleteAltname(IFINDEX, name, `take ${name} from d0`));
  expect(device(connection).altnames).toEqual([]);
});
