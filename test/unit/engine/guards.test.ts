import { describe, expect, test } from "bun:test";
import type { Device } from "../../../src/domain/device.ts";
import { guardsOf } from "../../../src/engine/guards.ts";
import { type Connection, connect } from "../../../src/netlink/connection.ts";
import { decodeMessages, type Message } from "../../../src/netlink/message.ts";
import { routeMessage } from "../../../src/netlink/route.ts";
import { AF_INET, NLM_F_DUMP, RTM_NEWROUTE } from "../../../src/netlink/uapi.ts";
import { ack, multipart, reply } from "../../sim/model/acks.ts";
import { Refusal } from "../../sim/model/refusal.ts";
import { deviceOf } from "../domain/samples.ts";

/** The routes of a host: by which device each default route leaves, and where an address is reached. */
interface Routes {
  readonly defaults: readonly number[];
  readonly to?: Readonly<Record<string, number>>;
}

const RTN_UNICAST = 1;

/** A kernel that knows these routes, and `asked`, what it was asked. */
function kernelWith({ defaults, to = {} }: Routes, asked: string[]): Connection {
  const queue: Uint8Array[] = [];
  return connect({
    send: (datagram) => {
      for (const request of decodeMessages(datagram)) queue.push(...answer(request));
    },
    receive: () => queue.shift() ?? new Uint8Array(),
  });

  function answer(request: Message): Uint8Array[] {
    const { header, values } = routeMessage.decode(request.payload);
    const route = (oif: number) => ({
      type: RTM_NEWROUTE,
      payload: routeMessage.encode(
        { rtm_family: header.rtm_family, rtm_type: RTN_UNICAST },
        { RTA_OIF: oif },
      ),
    });
    if ((request.flags & NLM_F_DUMP) === NLM_F_DUMP) {
      asked.push(`${values.RTA_OIF ?? "all"}`);
      const own = defaults.filter((oif) => values.RTA_OIF === undefined || oif === values.RTA_OIF);
      return multipart(request, header.rtm_family === AF_INET ? own.map(route) : [], null);
    }
    const address = (values.RTA_DST ?? new Uint8Array()).join(".");
    asked.push(`to ${address}`);
    const oif = to[address];
    if (oif === undefined) return [ack(request, new Refusal("ENETUNREACH", null))];
    return [reply(request, { ...route(oif), flags: 0 }), ack(request, null)];
  }
}

function guards(devices: readonly Device[], routes: Routes, away: readonly Device[] = []) {
  const asked: string[] = [];
  const byIfindex = new Map(devices.map((device) => [device.ifindex, device]));
  return { ...guardsOf(kernelWith(routes, asked), byIfindex, away), asked };
}

const eth0 = deviceOf({ ifindex: 2, name: "eth0" });
const eth1 = deviceOf({ ifindex: 3, name: "eth1" });
const remote = { address: "192.0.2.9", source: null, mark: 0 };
const gre0 = deviceOf({ ifindex: 4, name: "gre0", kind: "gre", remote });

describe("a tunnel that is bound to no device", () => {
  const routes = { defaults: [4], to: { "192.0.2.9": 2 } };

  test("guards the device that the route to its other end leaves by, and no other", () => {
    const { first } = guards([eth0, eth1, gre0], routes);
    expect(first(eth0, false)).toMatchObject({
      rule: "default-route",
      reason: "lies under gre0, which carries a default route",
    });
    expect(first(eth1, false)).toBeNull();
  });

  test("guards what lies under that device, and when it carries the default route at any depth itself", () => {
    const port = deviceOf({ ifindex: 5, name: "port", master: 6 });
    const bridge = deviceOf({ ifindex: 6, name: "br0", kind: "bridge" });
    const onTop = deviceOf({ ifindex: 7, name: "gre0.7", kind: "vlan", link: 4 });
    const { first } = guards([port, bridge, gre0, onTop], { defaults: [7], to: { "192.0.2.9": 6 } });
    expect(first(port, false)?.reason).toBe("lies under gre0.7, which carries a default route");
  });

  test("guards nothing while it carries no default route", () => {
    expect(guards([eth0, gre0], { ...routes, defaults: [] }).first(eth0, false)).toBeNull();
  });

  test("guards nothing of this namespace where it sends from another one", () => {
    const elsewhere = { ...gre0, linkNetnsid: 0 };
    const { first, asked } = guards([eth0, elsewhere], routes);
    expect(first(eth0, false)).toBeNull();
    expect(asked).not.toContain("to 192.0.2.9");
  });

  test("guards nothing where there is no route to its other end", () => {
    expect(guards([eth0, gre0], { defaults: [4] }).first(eth0, false)).toBeNull();
  });
});

describe("what is asked of the kernel", () => {
  test("is nothing for a device that is guarded whatever the routes are", () => {
    const { first, asked } = guards([deviceOf({ ifindex: 9, kind: "bridge" })], { defaults: [9] });
    expect(first(deviceOf({ ifindex: 9, kind: "bridge" }), false)?.rule).toBe("master");
    const onTop = deviceOf({ ifindex: 8, name: "mv0", kind: "macvlan", link: 2 });
    const built = guards([eth0, onTop], { defaults: [2] });
    expect(built.first(eth0, false)?.rule).toBe("built-on");
    expect([...asked, ...built.asked]).toEqual([]);
  });

  test("is nothing where force lifts what could be answered", () => {
    const { first, asked } = guards([eth0, gre0], { defaults: [2] });
    expect(first(eth0, true)).toBeNull();
    expect(asked).toEqual([]);
  });

  test("is asked once: a bridge that several ports are of", () => {
    const ports = [5, 6, 7].map((ifindex) => deviceOf({ ifindex, name: `p${ifindex}`, master: 9 }));
    const { first, asked } = guards([...ports, deviceOf({ ifindex: 9, name: "br0", kind: "bridge" })], {
      defaults: [],
    });
    for (const port of ports) expect(first(port, false)).toBeNull();
    // Of both families.
    expect(asked.toSorted()).toEqual(["5", "5", "6", "6", "7", "7", "9", "9"]);
  });

  test("does not grow with what is above a device, nor with what else the host has", () => {
    const vlans = Array.from({ length: 4000 }, (_, at) =>
      deviceOf({ ifindex: 1000 + at, name: `br0.${at}`, kind: "vlan", link: 9 }),
    );
    const others = Array.from({ length: 1000 }, (_, at) => deviceOf({ ifindex: 5000 + at, name: `x${at}` }));
    const port = deviceOf({ ifindex: 5, name: "port", master: 9 });
    const devices = [...vlans, ...others, port, deviceOf({ ifindex: 9, name: "br0", kind: "bridge" })];
    const none = guards(devices, { defaults: [3] });
    expect(none.first(port, false)).toBeNull();
    expect(none.asked).toEqual(["all", "all"]);
    const one = guards(devices, { defaults: [4711] });
    expect(one.first(port, false)?.reason).toBe("lies under br0.3711, which carries a default route");
    expect(one.asked).toEqual(["all", "all"]);
  });
});

test("all guards of a device are told, where all are asked for", () => {
  const onTop = deviceOf({ ifindex: 8, name: "mv0", kind: "macvlan", link: 2 });
  const { all } = guards([eth0, onTop], { defaults: [8] });
  expect(all(eth0).map(({ rule }) => rule)).toEqual(["default-route", "built-on"]);
  expect(all(onTop).map(({ rule }) => rule)).toEqual(["default-route"]);
});
