import { describe, expect } from "bun:test";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { pictureOf } from "../helpers/picture.ts";

// "routes = [{ to, via, metric, table, src, onlink }]; or "preserve"; default none. sysctls: per device."

const HOST = [
  ...makeDevice("veth", "d0"),
  ...makeDevice("veth", "e0"),
  "link set d0 up",
  "link set e0 up",
  "addr add 192.0.2.1/24 dev d0",
  "addr add 2001:db8::1/64 dev d0 nodad",
  "addr add 198.51.100.1/24 dev e0",
];

const D0 = 'match = { name = "d0" }\nname = "eth1"';

test("a container gets the routes of its mapping, and at home they are not", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST);
  const before = await pictureOf(lab.host);
  const routes = [
    '{ to = "default", via = "192.0.2.254", metric = 100 }',
    '{ to = "10.0.0.0/8", via = "10.200.0.1", onlink = true, table = 77, src = "192.0.2.1" }',
    '{ to = "203.0.113.0/24" }',
    '{ to = "10.5.0.0/16", via = "203.0.113.9" }',
    '{ to = "::/0", via = "fe80::1" }',
    '{ to = "2001:db8:f::/48", via = "2001:db8::2", metric = 7 }',
  ];
  await lab.start(mappingFor("c1", `${D0}\nroutes = [${routes.join(", ")}]`));
  const container = await lab.container();
  const verdict = await lab.attach("c1", container);
  expect(verdict).toMatchObject({ outcome: "attached", warnings: [] });
  const inside = await container.netns.json("-4 route show table all");
  expect(inside).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ dst: "default", gateway: "192.0.2.254", metric: 100, protocol: "static" }),
      expect.objectContaining({
        dst: "10.0.0.0/8",
        gateway: "10.200.0.1",
        table: "77",
        prefsrc: "192.0.2.1",
        flags: ["onlink"],
      }),
      expect.objectContaining({ dst: "203.0.113.0/24", scope: "link" }),
      expect.objectContaining({ dst: "10.5.0.0/16", gateway: "203.0.113.9" }),
    ]),
  );
  expect(await container.netns.json("-6 route show")).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ dst: "default", gateway: "fe80::1", metric: 1024 }),
      expect.objectContaining({ dst: "2001:db8:f::/48", gateway: "2001:db8::2", metric: 7 }),
    ]),
  );
  await container.kill();
  await lab.daemon.empty();
  expect(await pictureOf(lab.host)).toEqual(before);
});

test('"preserve": the routes of the host go along, but for those that leave by other devices too', async () => {
  await using lab = await Lab.create();
  await lab.host.ip(
    ...HOST,
    "route add 10.1.0.0/16 via 192.0.2.254 metric 5",
    "route add default via 192.0.2.254 table 77",
    "route add 2001:db8:f::/48 via fe80::9 dev d0",
    "route add 10.9.0.0/16 nexthop via 198.51.100.2 dev e0 nexthop via 192.0.2.2 dev d0",
  );
  const before = await pictureOf(lab.host);
  await lab.start(mappingFor("c1", `${D0}\nroutes = "preserve"\nforce = true`));
  const container = await lab.container();
  const verdict = await lab.attach("c1", container);
  expect(verdict.outcome).toBe("attached");
  expect(verdict.warnings.map(({ code, message }) => `${code}: ${message}`)).toEqual([
    expect.stringContaining("not-as-wanted: d0 goes inside without its route 10.9.0.0/16 by 2 nexthops"),
  ]);
  const inside = (await container.netns.json("-4 route show table all")).map(({ dst }) => dst);
  expect(inside).toContain("10.1.0.0/16");
  expect(inside).toContain("default");
  expect(inside).not.toContain("10.9.0.0/16");
  expect(await container.netns.json("-6 route show 2001:db8:f::/48")).toHaveLength(1);
  await container.kill();
  await lab.daemon.empty();
  expect(await pictureOf(lab.host)).toEqual(before);
});

test("a container gets the sysctls of its mapping", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST);
  const sysctls = '{ "ipv4.arp_ignore" = 1, "ipv6.accept_ra" = 0, "ipv4.neigh.app_solicit" = 2 }';
  await lab.start(mappingFor("c1", `${D0}\nsysctls = ${sysctls}`));
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
  const read = async (path: string) => (await container.netns.run("cat", `/proc/sys/net/${path}`)).trim();
  expect(await read("ipv4/conf/eth1/arp_ignore")).toBe("1");
  expect(await read("ipv6/conf/eth1/accept_ra")).toBe("0");
  expect(await read("ipv4/neigh/eth1/app_solicit")).toBe("2");
  // Nothing of it on the host, whose own devices may be called the same.
  expect((await lab.host.run("cat", "/proc/sys/net/ipv4/conf/default/arp_ignore")).trim()).toBe("0");
});

describe("what the kernel refuses undoes it all, and is told in its words", () => {
  const cases: [what: string, wish: string, told: RegExp][] = [
    [
      "a gateway that is on no link",
      'routes = [{ to = "default", via = "10.99.0.1" }]',
      /Nexthop has invalid gateway/,
    ],
    ["a sysctl that there is not", 'sysctls = { "ipv4.no_such" = 1 }', /ipv4\/conf\/eth1\/no_such: ENOENT/],
    ["a value that it does not take", 'sysctls = { "ipv6.mtu" = 5 }', /ipv6\/conf\/eth1\/mtu: EINVAL/],
  ];
  for (const [what, wish, told] of cases) {
    test(what, async () => {
      await using lab = await Lab.create();
      await lab.host.ip(...HOST);
      const before = await pictureOf(lab.host);
      await lab.start(mappingFor("c1", `${D0}\n${wish}`));
      const container = await lab.container();
      const verdict = await lab.attach("c1", container);
      expect(verdict).toMatchObject({ outcome: "failed", error: { code: "step-failed", device: "d0" } });
      expect(verdict.error?.message).toMatch(told);
      expect(await pictureOf(lab.host)).toEqual(before);
    });
  }
});

test("`plan` tells of them", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...HOST);
  lab.configure(
    mappingFor(
      "c1",
      `${D0}\nroutes = [{ to = "default", via = "192.0.2.254" }]\nsysctls = { "ipv4.arp_ignore" = 1 }`,
    ),
  );
  const container = await lab.container();
  const event = `${lab.folder}/event.json`;
  await Bun.write(event, JSON.stringify({ id: "c1", status: "creating", pid: container.pid }));
  const { stdout, code } = await lab.netdevd("plan", event);
  expect(stdout).toContain("set sysctls ipv4.arp_ignore = 1");
  expect(stdout).toContain("add route default via 192.0.2.254");
  expect(code).toBe(0);
});
