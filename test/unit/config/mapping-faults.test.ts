import { describe, expect, test } from "bun:test";
import { formatFault } from "../../../src/config/fault.ts";
import { FOLDER, faultsOf, marked, withDevice, withMapping } from "./given-files.ts";

/** A text with a mark where each fault is, and the faults as they are told after `FILE:LINE:COL: `. */
type Case = [text: string, ...told: string[]];

async function expectFaults(text: string, told: readonly string[]): Promise<void> {
  const { text: toml, places } = marked(text);
  const faults = await faultsOf(toml);
  expect(faults.map(formatFault)).toEqual(
    told.map((sentence, at) => `${FOLDER}/netdevd.toml:${places[at]}: ${sentence}`),
  );
}

function testFaults(cases: readonly Case[]): void {
  for (const [text, ...told] of cases) test(told.join("; "), () => expectFaults(text, told));
}

const DEVICE_KEYS = "match, count, name, addresses, routes, sysctls, mtu, mac, dad, up, force";
const SELECTORS = "name, altname, mac, permanent_mac, pci, driver, kind, pf";
const HOST_NAME = "an interface name of 1 to 15 bytes";
const NAME_INSIDE = `${HOST_NAME}, in which one "%d" stands for the first free number`;
const ADDRESS = 'an IP address such as "192.168.0.1/24" or "2001:db8::1/64"';
const MASK = 'a dotted mask such as "255.255.255.0" or a prefix length such as 24';
const PCI = 'a PCI address such as "0000:03:00.0"';
const MTU = "an integer from 68 to 65535";
const COUNT = 'a positive integer or "all"';
const DURATION = 'a duration such as "500ms", "30s" or "1m30s"';

describe("a mapping:", () => {
  const device = '[[mapping.device]]\nmatch = { name = "a" }\n';
  testFaults([
    [`‸[[mapping]]\ncontainer = { id = "a" }\n${device}`, "mapping[0].name: is missing, expected a name"],
    [
      `[[mapping]]\nname = ‸""\ncontainer = { id = "a" }\n${device}`,
      "mapping[0].name: is empty, expected a name",
    ],
    [
      `[[mapping]]\nname = ‸5\ncontainer = { id = "a" }\n${device}`,
      "mapping[0].name: is the number 5, expected a name",
    ],
    [
      `[[mapping]]\nname = ‸"a\\nb"\ncontainer = { id = "a" }\n${device}`,
      'mapping[0].name: "a\\nb" holds a control character, expected a name on one line',
    ],
    [
      `[[mapping]]\nname = ‸"linux.netDevices"\ncontainer = { id = "a" }\n${device}`,
      'mapping[0].name: is the string "linux.netDevices", expected another name: what bundles ask for goes by this one',
    ],
    [`‸[[mapping]]\nname = "m"\n${device}`, "mapping[0].container: is missing, expected a table"],
    [
      `‸[[mapping]]\nname = "m"\ncontainer = { id = "a" }\n`,
      "mapping[0]: asks for no device, expected [[mapping.device]] or one of the spellings of netDevices",
    ],
    [
      '‸[[mapping]]\nname = "m"\ncontainer = { id = "a" }\ndevice = []\n',
      "mapping[0]: asks for no device, expected [[mapping.device]] or one of the spellings of netDevices",
    ],
    [
      '‸[[mapping]]\nname = "m"\ncontainer = { id = "a" }\nnetDevices = {}\n',
      "mapping[0]: asks for no device, expected [[mapping.device]] or one of the spellings of netDevices",
    ],
    [
      withMapping(`required = ‸"yes"\n${device}`),
      'mapping[0].required: is the string "yes", expected true or false',
    ],
    [withMapping(`wait = ‸5\n${device}`), `mapping[0].wait: is the number 5, expected ${DURATION}`],
    [withMapping(`wait = ‸"5"\n${device}`), `mapping[0].wait: "5" is no duration, expected ${DURATION}`],
    [
      withMapping(`on_exit = ‸"retrun"\n${device}`),
      'mapping[0].on_exit: is the string "retrun", expected "return" or "leave"',
    ],
    [
      withMapping(`‸onExit = "leave"\n${device}`),
      'mapping[0].onExit: unknown key, expected "on_exit", the nearest of name, required, wait, on_exit, container, device, netDevices',
    ],
    [
      withMapping(`${device}[[mapping.‸netDevices]]\nname = "b"\n`),
      'mapping[0].netDevices: stands beside "device", expected one spelling of devices in one mapping',
    ],
    [
      withMapping("device = ‸{}\n"),
      "mapping[0].device: is a table, expected an array of tables ([[mapping.device]])",
    ],
    [withMapping("device = [‸5]\n"), "mapping[0].device[0]: is the number 5, expected a table"],
    ["mapping = ‸5\n", "mapping: is the number 5, expected an array of tables ([[mapping]])"],
    ["‸[mapping]\n", "mapping: is a table, expected an array of tables ([[mapping]])"],
    ["mapping = [‸1979-05-27]\n", "mapping[0]: is a date or time, expected a table"],
  ]);
});

describe("a container:", () => {
  const container = (value: string) =>
    `[[mapping]]\nname = "m"\ncontainer = ${value}\ndevice = [{ match = { name = "a" } }]\n`;
  const KEYS = "id, annotations, bundle";
  testFaults([
    [container("‸{}"), `mapping[0].container: has no condition, expected at least one of ${KEYS}`],
    [
      container("‸{ annotations = {} }"),
      `mapping[0].container: has no condition, expected at least one of ${KEYS}`,
    ],
    [container("‸[]"), "mapping[0].container: is an array, expected a table"],
    [container("‸1979-05-27"), "mapping[0].container: is a date or time, expected a table"],
    [
      container("{ id = ‸5 }"),
      "mapping[0].container.id: is the number 5, expected a text, in which * stands for any run of characters",
    ],
    [
      container('{ id = ‸"" }'),
      'mapping[0].container.id: is the string "", expected a text or pattern that is not empty',
    ],
    [
      container('{ id = "a", ‸ids = "a", ‸bundel = "b" }'),
      `mapping[0].container.ids: unknown key, expected "id", the nearest of ${KEYS}`,
      `mapping[0].container.bundel: unknown key, expected "bundle", the nearest of ${KEYS}`,
    ],
    [
      container('{ annotations = { "com.example.nic" = ‸true } }'),
      'mapping[0].container.annotations."com.example.nic": is true, expected a text or pattern',
    ],
    [
      container("{ annotations = ‸5 }"),
      "mapping[0].container.annotations: is the number 5, expected a table",
    ],
  ]);
});

describe("a device:", () => {
  const device = (line: string) => withDevice(`match = { name = "ens4" }\n${line}`);
  const at = "mapping[0].device[0]";
  testFaults([
    [
      '[[mapping]]\nname = "m"\ncontainer = { id = "c" }\n  ‸[[mapping.device]]\n',
      `${at}.match: is missing, expected a table`,
    ],
    [device("‸mtuu = 5"), `${at}.mtuu: unknown key, expected "mtu", the nearest of ${DEVICE_KEYS}`],
    [
      device('‸address = "10.0.0.1/24"'),
      `${at}.address: unknown key, expected "addresses", the nearest of ${DEVICE_KEYS}`,
    ],
    [device("mtu = ‸0"), `${at}.mtu: is the number 0, expected ${MTU}`],
    [device("mtu = ‸67"), `${at}.mtu: is the number 67, expected ${MTU}`],
    [device("mtu = ‸65536"), `${at}.mtu: is the number 65536, expected ${MTU}`],
    [device("mtu = ‸-1500"), `${at}.mtu: is the number -1500, expected ${MTU}`],
    [device("mtu = ‸1500.5"), `${at}.mtu: is the number 1500.5, expected ${MTU}`],
    [device("mtu = ‸-0.5"), `${at}.mtu: is the number -0.5, expected ${MTU}`],
    [device("mtu = ‸nan"), `${at}.mtu: is the number NaN, expected ${MTU}`],
    [device("mtu = ‸inf"), `${at}.mtu: is the number Infinity, expected ${MTU}`],
    [device('mtu = ‸"1500"'), `${at}.mtu: is the string "1500", expected ${MTU}`],
    [device("count = ‸0"), `${at}.count: is the number 0, expected ${COUNT}`],
    [device("count = ‸-1"), `${at}.count: is the number -1, expected ${COUNT}`],
    [device("count = ‸1.5"), `${at}.count: is the number 1.5, expected ${COUNT}`],
    [device('count = ‸"two"'), `${at}.count: is the string "two", expected ${COUNT}`],
    [
      device('count = 2\nname = ‸"eth1"'),
      `${at}.name: "eth1" is one name, and count asks for more devices than one, expected a name with "%d", or none`,
    ],
    [
      device('count = "all"\nname = ‸"eth1"'),
      `${at}.name: "eth1" is one name, and count asks for more devices than one, expected a name with "%d", or none`,
    ],
    [device('name = ‸""'), `${at}.name: "" is empty, expected ${NAME_INSIDE}`],
    [
      device('name = ‸"abcdefghijklmnop"'),
      `${at}.name: "abcdefghijklmnop" has 16 bytes, and the kernel takes 15 at most, expected ${NAME_INSIDE}`,
    ],
    [
      device('name = ‸"eth0/"'),
      `${at}.name: "eth0/" holds a "/", ":" or white space, expected ${NAME_INSIDE}`,
    ],
    [
      device('name = ‸"a%d%d"'),
      `${at}.name: "a%d%d" holds a "%" that is not one "%d", expected ${NAME_INSIDE}`,
    ],
    [
      device('name = ‸"all"'),
      `${at}.name: "all" is what the sysctl tree calls every device, expected ${NAME_INSIDE}`,
    ],
    [
      device('mac = ‸"02:00"'),
      `${at}.mac: "02:00" is no MAC address, expected a MAC address such as "02:00:00:00:00:01"`,
    ],
    [
      device('mac = ‸"01:00:5E:00:00:01"'),
      `${at}.mac: 01:00:5e:00:00:01: a multicast address cannot be a device's own, expected the MAC address of one device`,
    ],
    [
      device('mac = ‸"00-00-00-00-00-00"'),
      `${at}.mac: 00:00:00:00:00:00: the zero address cannot be a device's own, expected the MAC address of one device`,
    ],
    [device("mac = ‸2"), `${at}.mac: is the number 2, expected a MAC address`],
    [device('dad = ‸"off"'), `${at}.dad: is the string "off", expected "keep", "wait" or "skip"`],
    [device("up = ‸1"), `${at}.up: is the number 1, expected true or false`],
    [device("force = ‸1"), `${at}.force: is the number 1, expected true or false`],
    [
      device('addresses = ‸"10.0.0.1/24"'),
      `${at}.addresses: is the string "10.0.0.1/24", expected an array of IP addresses`,
    ],
    [
      device('addresses = [\n  "10.0.0.1/24",\n  ‸"10.0.0/24",\n  ‸5,\n]'),
      `${at}.addresses[1]: "10.0.0/24" is no IP address, expected ${ADDRESS}`,
      `${at}.addresses[2]: is the number 5, expected ${ADDRESS}`,
    ],
    [
      device('addresses = ["224.0.0.1", "10.0.0.1/24", "fd00::1/64"]'.replace('"224', '‸"224')),
      `${at}.addresses[0]: 224.0.0.1 is a multicast address, expected an address that a device can have`,
    ],
    [
      device('addresses = ["10.0.0.1/24", ‸"10.0.0.1/24", "fd00::1/64", ‸"fd00:0::1/48"]'),
      `${at}.addresses[1]: 10.0.0.1 is there already, expected each address once`,
      `${at}.addresses[3]: fd00::1 is there already, expected each address once`,
    ],
  ]);
});

describe("a match:", () => {
  const match = (value: string) => withDevice(`match = ${value}`);
  const at = "mapping[0].device[0].match";
  testFaults([
    [match("‸{}"), `${at}: has no condition, expected at least one of ${SELECTORS}`],
    [match('‸"ens4"'), `${at}: is the string "ens4", expected a table`],
    [
      match('{ ‸permanentMac = "02:00:00:00:00:01" }').replace("match = ", "match = ‸"),
      `${at}: has no condition, expected at least one of ${SELECTORS}`,
      `${at}.permanentMac: unknown key, expected "permanent_mac", the nearest of ${SELECTORS}`,
    ],
    [
      match('{ name = ‸"abcdefghijklmnop" }'),
      `${at}.name: "abcdefghijklmnop" has 16 bytes, and the kernel takes 15 at most, expected the name of a device, or a pattern of names`,
    ],
    [match('{ name = ‸"" }'), `${at}.name: is the string "", expected a text or pattern that is not empty`],
    [
      match('{ mac = ‸"ff:ff:ff:ff:ff:ff" }'),
      `${at}.mac: ff:ff:ff:ff:ff:ff: a multicast address cannot be a device's own, expected the MAC address of one device`,
    ],
    [
      match('{ permanent_mac = ‸"02:*" }'),
      `${at}.permanent_mac: "02:*" is no MAC address, expected a MAC address such as "02:00:00:00:00:01"`,
    ],
    [match('{ pci = ‸"0000:03:00" }'), `${at}.pci: "0000:03:00" is no PCI address, expected ${PCI}`],
    [match('{ pci = ‸"0000:03:*" }'), `${at}.pci: "0000:03:*" is no PCI address, expected ${PCI}`],
    [match("{ pci = ‸3 }"), `${at}.pci: is the number 3, expected ${PCI}`],
    [
      match('{ driver = ‸"" }'),
      `${at}.driver: is the string "", expected a text or pattern that is not empty`,
    ],
    [match('{ pf = ‸"0000:03:00.9" }'), `${at}.pf: "0000:03:00.9" is no PCI address, expected ${PCI}`],
    [
      match('{ pf = ‸"ens1f0 " }'),
      `${at}.pf: "ens1f0 " holds a "/", ":" or white space, expected the name of a device, or a pattern of names`,
    ],
  ]);
});

describe("the array of issue 1239:", () => {
  const entry = (properties: string) =>
    withMapping(`[[mapping.netDevices]]\nname = "eth0"\nproperties = ${properties}`);
  const at = "mapping[0].netDevices[0]";
  testFaults([
    [withMapping("‸[[mapping.netDevices]]"), `${at}.name: is missing, expected ${HOST_NAME}`],
    [withMapping('[[mapping.netDevices]]\nname = ‸""'), `${at}.name: "" is empty, expected ${HOST_NAME}`],
    [
      withMapping('[[mapping.netDevices]]\nname = ‸"eth%d"'),
      `${at}.name: "eth%d" holds a "%", expected ${HOST_NAME}`,
    ],
    [
      withMapping('[[mapping.netDevices]]\nname = "eth0"\n‸mtu = 1500'),
      `${at}.mtu: unknown key, expected "name", the nearest of name, properties`,
    ],
    [entry("{ mtu = ‸0 }"), `${at}.properties.mtu: is the number 0, expected ${MTU}`],
    [
      entry('{ ‸netmask = "255.0.0.0" }'),
      `${at}.properties.netmask: unknown key, expected "mask", the nearest of name, address, mask, mtu`,
    ],
    [
      entry('{ name = ‸"a/b" }'),
      `${at}.properties.name: "a/b" holds a "/", ":" or white space, expected ${NAME_INSIDE}`,
    ],
    [
      entry("{ mask = ‸24 }"),
      `${at}.properties.mask: stands without an address, expected an address beside it`,
    ],
    [
      entry('{ address = "10.0.0.1/24", mask = ‸"255.255.255.0" }'),
      `${at}.properties.mask: the address has a prefix already, expected one of the two`,
    ],
    [
      entry('{ address = "10.0.0.1", mask = ‸"255.0.255.0" }'),
      `${at}.properties.mask: "255.0.255.0" has ones after a zero, expected ${MASK}`,
    ],
    [
      entry('{ address = "10.0.0.1", mask = ‸"/24" }'),
      `${at}.properties.mask: "/24" is no mask, expected ${MASK}`,
    ],
    [entry('{ address = "10.0.0.1", mask = ‸true }'), `${at}.properties.mask: is true, expected ${MASK}`],
    [
      entry('{ address = "10.0.0.1", mask = ‸33 }'),
      `${at}.properties.mask: 33 is no prefix length of IPv4, expected a prefix length from 0 to 32`,
    ],
    [
      entry('{ address = "fd00::1", mask = ‸"255.255.255.0" }'),
      `${at}.properties.mask: IPv6 has no dotted masks, expected a prefix length from 0 to 128`,
    ],
    [
      entry('{ address = ‸"10.0.0", mask = ‸"x" }'),
      `${at}.properties.address: "10.0.0" is no IP address, expected ${ADDRESS}`,
      `${at}.properties.mask: "x" is no mask, expected ${MASK}`,
    ],
  ]);
});

describe("the map of runtime-spec 1.3:", () => {
  const KEY = "mapping[0].netDevices";
  testFaults([
    // schema/test/config/bad/linux-netdevice.json of opencontainers/runtime-spec v1.3.0, as TOML.
    [
      withMapping("netDevices = { eth0 = { name = ‸23 } }"),
      `${KEY}.eth0.name: is the number 23, expected ${NAME_INSIDE}`,
    ],
    [
      withMapping("[mapping.netDevices.eth0]\n‸mtu = 1500"),
      `${KEY}.eth0.mtu: unknown key, expected "name", the nearest of name`,
    ],
    [
      withMapping("netDevices = ‸5"),
      `${KEY}: is the number 5, expected an array of tables ([[mapping.netDevices]]) or a table of tables`,
    ],
    [
      withMapping("netDevices = ‸1979-05-27"),
      `${KEY}: is a date or time, expected an array of tables ([[mapping.netDevices]]) or a table of tables`,
    ],
    [
      withMapping('netDevices = { eth0 = ‸"container_eth0" }'),
      `${KEY}.eth0: is the string "container_eth0", expected a table`,
    ],
    [
      withMapping('[mapping.netDevices.‸"a b"]\n[mapping.netDevices.‸abcdefghijklmnop]'),
      `${KEY}."a b": "a b" holds a "/", ":" or white space, expected ${HOST_NAME}`,
      `${KEY}.abcdefghijklmnop: "abcdefghijklmnop" has 16 bytes, and the kernel takes 15 at most, expected ${HOST_NAME}`,
    ],
    [
      withMapping('[mapping.netDevices.eth0]\nname = ‸"container_eth000"'),
      `${KEY}.eth0.name: "container_eth000" has 16 bytes, and the kernel takes 15 at most, expected ${NAME_INSIDE}`,
    ],
  ]);
});

describe("two requests of one mapping:", () => {
  testFaults([
    [
      withMapping(
        'device = [{ match = { kind = "tun" }, name = "eth1" }, { match = { name = "b" }, name = ‸"eth1" }]',
      ),
      'mapping[0].device[1].name: "eth1" is the name inside of device[0] too, expected another name',
    ],
    [
      withMapping('device = [{ match = { name = "a" }, name = "b" }, ‸{ match = { name = "b" } }]'),
      'mapping[0].device[1].name: "b" is the name inside of device[0] too, expected another name',
    ],
    [
      withMapping(
        'device = [{ match = { name = "a" }, name = "x" }, { match = { name = ‸"a" }, name = "y" }]',
      ),
      'mapping[0].device[1].match.name: "a" is taken by device[0] of this mapping, expected each device once',
    ],
    [
      withMapping('[[mapping.netDevices]]\nname = "a"\n[[mapping.netDevices]]\nname = ‸"a"'),
      'mapping[0].netDevices[1].name: "a" is taken by netDevices[0] of this mapping, expected each device once',
    ],
    [
      withMapping(
        'netDevices = [{ name = "a", properties = { name = "x" } }, { name = "b", properties = { name = ‸"x" } }]',
      ),
      'mapping[0].netDevices[1].properties.name: "x" is the name inside of netDevices[0] too, expected another name',
    ],
    [
      withMapping('[mapping.netDevices.a]\nname = "x"\n[mapping.netDevices.b]\nname = ‸"x"'),
      'mapping[0].netDevices.b.name: "x" is the name inside of netDevices.a too, expected another name',
    ],
    [
      withMapping('[mapping.netDevices.a]\nname = "b"\n‸[mapping.netDevices.b]'),
      'mapping[0].netDevices.b.name: "b" is the name inside of netDevices.a too, expected another name',
    ],
  ]);

  test("may swap names", async () => {
    const text = withMapping('[mapping.netDevices.a]\nname = "b"\n[mapping.netDevices.b]\nname = "a"');
    expect(await faultsOf(text)).toEqual([]);
  });
});

test("all faults of a mapping are told at once, those of the whole beside those of its parts", () =>
  expectFaults(
    `‸[[mapping]]
nmae = "m"
wait = ‸"soon"
[mapping.container]
[[mapping.device]]
`
      .replace("nmae", "‸nmae")
      .replace("[mapping.c", "‸[mapping.c")
      .replace("[[mapping.d", "‸[[mapping.d"),
    [
      "mapping[0].name: is missing, expected a name",
      'mapping[0].nmae: unknown key, expected "name", the nearest of name, required, wait, on_exit, container, device, netDevices',
      `mapping[0].wait: "soon" is no duration, expected ${DURATION}`,
      "mapping[0].container: has no condition, expected at least one of id, annotations, bundle",
      "mapping[0].device[0].match: is missing, expected a table",
    ],
  ));
