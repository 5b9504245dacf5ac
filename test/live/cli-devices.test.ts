import { expect } from "bun:test";
import * as v from "valibot";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";

// "`netdevd devices [--json]`: the host's devices as selectors see them (name, altnames, MAC, permanent MAC, bus address,
// driver, kind, state, holder), what guards each."

const text = v.nullable(v.string());
const listed = v.strictObject({
  name: v.string(),
  ifindex: v.number(),
  altnames: v.array(v.string()),
  mac: text,
  permanent_mac: text,
  pci: text,
  driver: text,
  pf: text,
  kind: text,
  state: v.string(),
  holder: v.nullable(v.object({ containers: v.array(v.string()), mapping: v.string(), name: v.string() })),
  guards: v.array(v.object({ rule: v.string(), liftable: v.boolean(), reason: v.string() })),
});

async function listOf(lab: Lab): Promise<Record<string, v.InferOutput<typeof listed>>> {
  const { code, stdout, stderr } = await lab.netdevd("devices", "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const rows = v.parse(v.array(listed), JSON.parse(stdout));
  return Object.fromEntries(rows.map((row) => [row.name, row]));
}

/** d0 and d10 are free, d2 has a macvlan on it that carries the default route, br0 is a bridge. */
async function furnished(): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...makeDevice("veth", "d2"),
    ...makeDevice("tap", "d10"),
    "link add m0 link d2 type macvlan mode bridge",
    "link add br0 type bridge",
    "link property add dev d0 altname uplink",
    "link set d2 up",
    "link set m0 up",
    "addr add 192.0.2.1/24 dev m0",
    "route add default via 192.0.2.254",
  );
  return lab;
}

test("each device is told as ip(8) tells it, in natural order of name, without a daemon", async () => {
  await using lab = await furnished();
  lab.configure(D0_AS_ETH1);
  const list = await listOf(lab);
  const names = Object.keys(list);
  expect(names.toSorted()).toEqual(["lo", ...(await lab.host.names())].toSorted());
  expect(names.filter((name) => /^d\d+$/.test(name))).toEqual(["d0", "d2", "d10"]);
  for (const [name, device] of Object.entries(await lab.host.devices())) {
    // These drivers tell no permanent MAC: a selector compares the current one.
    const { mac, altnames } = device;
    expect(list[name]).toMatchObject({ mac, permanent_mac: mac, altnames, holder: null });
  }
  expect(list.d10).toMatchObject({ kind: "tun", driver: "tun", state: "down", guards: [] });
});

test("what guards a device is told, all of it, and whether force lifts it", async () => {
  await using lab = await furnished();
  lab.configure(D0_AS_ETH1);
  const list = await listOf(lab);
  const rules = (name: string) => list[name]?.guards.map(({ rule }) => rule);
  expect(rules("d0")).toEqual([]);
  expect(rules("lo")).toEqual(["loopback"]);
  expect(rules("br0")).toEqual(["master"]);
  expect(rules("m0")).toEqual(["default-route"]);
  expect(rules("d2")?.toSorted()).toEqual(["built-on", "default-route"]);
  expect(list.d2?.guards.every(({ liftable }) => liftable)).toBe(true);
  expect(list.lo?.guards.some(({ liftable }) => liftable)).toBe(false);
});

test("a device in a container is away, with who has it and as what; /v1/devices tells the same", async () => {
  await using lab = await furnished();
  await lab.start(D0_AS_ETH1);
  const before = await listOf(lab);
  const container = await lab.container();
  await lab.attach("c1", container);
  const list = await listOf(lab);
  expect(list.d0).toEqual({
    ...v.parse(listed, before.d0),
    driver: null,
    state: "away",
    holder: { containers: ["c1"], mapping: "for-c1", name: "eth1" },
  });
  expect(await (await lab.daemon.get("/v1/devices")).json()).toEqual(Object.values(list));
  const { stdout } = await lab.netdevd("devices");
  expect(stdout).toMatch(/d0 \(\d+\) {2}away .*\n {2}in container c1 as eth1, mapping for-c1/);
  await container.kill();
  await lab.daemon.empty();
  expect((await listOf(lab)).d0?.holder).toBeNull();
});
