import { describe, expect, test } from "bun:test";
import { globMatches } from "../../../src/domain/glob.ts";
import { ANY_DEVICE as anyDevice, type DeviceRequest, type Mapping } from "../../../src/domain/mapping.ts";
import { configOf, withDevice, withMapping } from "./given-files.ts";

const asItIs: DeviceRequest = {
  match: { ...anyDevice, name: "ens4" },
  count: 1,
  name: null,
  addresses: null,
  routes: [],
  sysctls: {},
  mtu: null,
  mac: null,
  dad: "keep",
  up: true,
  force: false,
};

async function onlyMapping(text: string): Promise<Mapping> {
  const [mapping, ...others] = (await configOf(text)).mappings;
  if (mapping === undefined || others.length > 0) throw new Error("not one mapping");
  return mapping;
}

test("a mapping that says the least has the contract's defaults", async () => {
  expect(await onlyMapping(withDevice('match = { name = "ens4" }'))).toEqual({
    name: "m",
    container: { id: "c", annotations: {}, bundle: null },
    devices: [asItIs],
    required: true,
    wait: 0,
    onExit: "return",
  });
});

test("a mapping that says all there is", async () => {
  const text = `
[[mapping]]
name = "trainer"
required = false
wait = "1m30s"
on_exit = "leave"
  [mapping.container]
  id = "trainer-*"
  annotations = { "com.example.nic" = "rdma*", empty = "" }
  bundle = "/var/lib/*"
  [[mapping.device]]
  match = { name = "ens4", altname = "enp*", mac = "02-00-00-00-00-AA", permanent_mac = "02:00:00:00:00:BB", pci = "03:0A.0", driver = "mlx5*", kind = "veth", pf = "ens1f*" }
  count = 1
  name = "eth1"
  addresses = ["192.168.0.1/24", "2001:DB8::1/64"]
  routes = []
  sysctls = {}
  mtu = 9000
  mac = "02:00:00:00:00:CC"
  dad = "skip"
  up = false
  force = true
  [[mapping.device]]
  match = { name = "pool*" }
  count = "all"
  name = "net%d"
  addresses = []
`;
  expect(await onlyMapping(text)).toEqual({
    name: "trainer",
    container: {
      id: "trainer-*",
      annotations: { "com.example.nic": "rdma*", empty: "" },
      bundle: "/var/lib/*",
    },
    devices: [
      {
        match: {
          name: "ens4",
          altname: "enp*",
          mac: "02:00:00:00:00:aa",
          permanentMac: "02:00:00:00:00:bb",
          pci: "0000:03:0a.0",
          driver: "mlx5*",
          kind: "veth",
          pf: "ens1f*",
        },
        count: 1,
        name: "eth1",
        addresses: [
          { family: "inet", local: "192.168.0.1", prefixLength: 24 },
          { family: "inet6", local: "2001:db8::1", prefixLength: 64 },
        ],
        routes: [],
        sysctls: {},
        mtu: 9000,
        mac: "02:00:00:00:00:cc",
        dad: "skip",
        up: false,
        force: true,
      },
      {
        ...asItIs,
        match: { ...anyDevice, name: "pool*" },
        count: "all",
        name: "net%d",
        addresses: [],
      },
    ],
    required: false,
    wait: 90_000,
    onExit: "leave",
  });
});

describe("[[mapping.device]]:", () => {
  test.each([
    ["mtu = 68", { mtu: 68 }],
    ["mtu = 65535", { mtu: 65535 }],
    ["count = 2", { count: 2 }],
    ['name = "abcdefghijklmno"', { name: "abcdefghijklmno" }],
    ['name = "%d"', { name: "%d" }],
    [
      'addresses = ["10.0.0.1/24", "10.0.0.1/16", "fd00::1"]',
      {
        addresses: [
          { family: "inet", local: "10.0.0.1", prefixLength: 24 },
          { family: "inet", local: "10.0.0.1", prefixLength: 16 },
          { family: "inet6", local: "fd00::1", prefixLength: 128 },
        ],
      },
    ],
  ] as [string, Partial<DeviceRequest>][])("%s", async (line, wanted) => {
    const { devices } = await onlyMapping(withDevice(`match = { name = "ens4" }\n${line}`));
    expect(devices).toEqual([{ ...asItIs, ...wanted }]);
  });

  test("two requests may have one template", async () => {
    const text = `
      [[mapping.device]]
      match = { name = "a*" }
      name = "net%d"
      [[mapping.device]]
      match = { name = "b*" }
      name = "net%d"`;
    expect((await onlyMapping(withMapping(text))).devices).toHaveLength(2);
  });
});

describe("the array of runtime-spec issue 1239:", () => {
  const entry = (text: string) => withMapping(`[[mapping.netDevices]]\nname = "eth0"\n${text}`);
  const eth0 = { ...asItIs, match: { ...anyDevice, name: "eth0" } };
  const inet = (prefixLength: number) => [{ family: "inet" as const, local: "192.168.0.1", prefixLength }];
  const inet6 = (prefixLength: number) => [{ family: "inet6" as const, local: "2001:db8::1", prefixLength }];

  test.each([
    ["", {}],
    ["properties = {}", {}],
    ['properties = { name = "" }', {}],
    ['properties = { name = "ns%d" }', { name: "ns%d" }],
    [
      'properties = { name = "ns1", address = "192.168.0.1", mask = "255.255.255.0", mtu = 1500 }',
      { name: "ns1", addresses: inet(24), mtu: 1500 },
    ],
    ['properties = { address = "192.168.0.1", mask = 24 }', { addresses: inet(24) }],
    ['properties = { address = "192.168.0.1", mask = "24" }', { addresses: inet(24) }],
    ['properties = { address = "192.168.0.1/24" }', { addresses: inet(24) }],
    ['properties = { address = "192.168.0.1" }', { addresses: inet(32) }],
    ['properties = { address = "2001:db8::1", mask = 64 }', { addresses: inet6(64) }],
    ['properties = { address = "2001:db8::1" }', { addresses: inet6(128) }],
  ] as [string, Partial<DeviceRequest>][])("%s", async (text, wanted) => {
    expect((await onlyMapping(entry(text))).devices).toEqual([{ ...eth0, ...wanted }]);
  });
});

describe("the map of runtime-spec 1.3:", () => {
  // schema/test/config/good/linux-netdevice.json of opencontainers/runtime-spec v1.3.0, as TOML.
  test("the specification's own good example", async () => {
    const text = withMapping(`
      [mapping.netDevices]
      eth0 = { name = "container_eth0" }
      ens4 = {}
      ens5 = {}`);
    expect((await onlyMapping(text)).devices).toEqual([
      { ...asItIs, match: { ...anyDevice, name: "eth0" }, name: "container_eth0" },
      { ...asItIs, match: { ...anyDevice, name: "ens4" } },
      { ...asItIs, match: { ...anyDevice, name: "ens5" } },
    ]);
  });

  test("as tables; an empty name is the host's", async () => {
    const text = withMapping('[mapping.netDevices.ens5]\nname = "c%d"\n[mapping.netDevices.ens6]\nname = ""');
    expect((await onlyMapping(text)).devices.map(({ name }) => name)).toEqual(["c%d", null]);
  });

  test.each(["a*", "a?", "[ab]", "a\\b", "prototype", "toString"])(
    "the name %p is a name, and no pattern",
    async (host) => {
      const text = withMapping(`netDevices = { ${JSON.stringify(host)} = {} }`);
      const { devices } = await onlyMapping(text);
      const pattern = devices[0]?.match.name ?? "";
      expect(globMatches(pattern, host)).toBe(true);
      for (const other of ["ab", "abc", "a", "b", "aXb", "ax"])
        expect(globMatches(pattern, other)).toBe(false);
    },
  );
});

describe("the order of mappings", () => {
  test("is that of the file", async () => {
    const one = (name: string) => withDevice('match = { name = "a" }').replace('"m"', `"${name}"`);
    const { mappings } = await configOf(["z", "a", "m"].map(one).join(""));
    expect(mappings.map(({ name }) => name)).toEqual(["z", "a", "m"]);
  });
});
