import { describe, expect, test } from "bun:test";
import { formatFault } from "../../../src/config/fault.ts";
import { configOf, FOLDER, faultsOf, marked, withDevice } from "./given-files.ts";

const device = (line: string) => withDevice(`match = { name = "a" }\n${line}`);

async function requestWith(line: string) {
  const { mappings } = await configOf(device(line));
  return mappings[0]?.devices[0];
}

const plain = { via: null, metric: null, table: null, source: null, onlink: false };
const everywhere = { family: "inet", to: "0.0.0.0", prefixLength: 0 };

describe("routes:", () => {
  test.each([
    ["[]", []],
    ['"preserve"', "preserve"],
    ['[{ to = "default", via = "192.0.2.254" }]', [{ ...plain, ...everywhere, via: "192.0.2.254" }]],
    [
      '[{ to = "default", via = "FE80::1" }]',
      [{ ...plain, family: "inet6", to: "::", prefixLength: 0, via: "fe80::1" }],
    ],
    [
      '[{ to = "default", via = "fe80::1", src = "192.0.2.1" }]',
      [{ ...plain, ...everywhere, via: "fe80::1", source: "192.0.2.1" }],
    ],
    ['[{ to = "0.0.0.0/0" }]', [{ ...plain, ...everywhere }]],
    [
      '[{ to = "10.0.0.0/8", via = "192.0.2.9", metric = 100, table = 77, src = "192.0.2.1", onlink = true }]',
      [
        {
          family: "inet",
          to: "10.0.0.0",
          prefixLength: 8,
          via: "192.0.2.9",
          metric: 100,
          table: 77,
          source: "192.0.2.1",
          onlink: true,
        },
      ],
    ],
    ['[{ to = "192.0.2.7" }]', [{ ...plain, family: "inet", to: "192.0.2.7", prefixLength: 32 }]],
    ['[{ to = "2001:DB8::/29" }]', [{ ...plain, family: "inet6", to: "2001:db8::", prefixLength: 29 }]],
  ])("routes = %s", async (text, routes) => {
    expect((await requestWith(`routes = ${text}`))?.routes).toEqual(routes as never);
  });

  test.each([
    ["routes", 'is the string "keep"', 'an array of routes, or "preserve"', 'routes = ‸"keep"'],
    [
      "routes[0].to",
      "is missing",
      '"default", or a network such as "10.0.0.0/8" or "2001:db8::/32"',
      "routes = [‸{}]",
    ],
    [
      "routes[0].to",
      '"10.0.0.1/8" has bits beyond its prefix',
      '"10.0.0.0/8"',
      'routes = [{ to = ‸"10.0.0.1/8" }]',
    ],
    [
      "routes[0].to",
      '"33" is no prefix length',
      'a number from 0 to 32 after the "/"',
      'routes = [{ to = ‸"10.0.0.0/33" }]',
    ],
    [
      "routes[0].to",
      '"default" without a gateway is of either family',
      '"0.0.0.0/0" or "::/0"',
      'routes = [{ to = ‸"default" }]',
    ],
    [
      "routes[0].via",
      "the route is of IPv6",
      "an IPv6 address",
      'routes = [{ to = "2001:db8::/32", via = ‸"192.0.2.1" }]',
    ],
    [
      "routes[0].src",
      "the route is of IPv4",
      "an IPv4 address",
      'routes = [{ to = "10.0.0.0/8", src = ‸"::1" }]',
    ],
    [
      "routes[0].onlink",
      "says of no gateway that it is on the link",
      "a gateway (via) beside it",
      'routes = [{ to = "10.0.0.0/8", onlink = ‸true }]',
    ],
    [
      "routes[0].metric",
      "is the number -1",
      "an integer from 0 to 4294967295",
      'routes = [{ to = "10.0.0.0/8", metric = ‸-1 }]',
    ],
    [
      "routes[0].gateway",
      "unknown key",
      '"to", the nearest of to, via, metric, table, src, onlink',
      'routes = [{ to = "10.0.0.0/8", ‸gateway = "192.0.2.1" }]',
    ],
    ["routes", "stands beside up = false", "a device that is up", 'up = false\n‸routes = "preserve"'],
  ])("%s: %s", async (path, message, expected, line) => {
    const { text, places } = marked(device(line));
    const told = `${FOLDER}/netdevd.toml:${places[0]}: mapping[0].device[0].${path}: ${message}, expected ${expected}`;
    expect((await faultsOf(text)).map(formatFault)).toEqual([told]);
  });
});

describe("sysctls:", () => {
  test("are taken by family and name", async () => {
    const sysctls = { "ipv4.arp_ignore": 1, "ipv6.accept_ra": 0, "ipv4.neigh.app_solicit": -1 };
    const text = Object.entries(sysctls).map(([setting, value]) => `"${setting}" = ${value}`);
    expect((await requestWith(`sysctls = { ${text.join(", ")} }`))?.sysctls).toEqual(sysctls);
    expect((await requestWith(""))?.sysctls).toEqual({});
  });

  test.each([
    [
      'sysctls."net.ipv4.arp_ignore"',
      '"net.ipv4.arp_ignore" is no sysctl of a device',
      'a name such as "ipv4.arp_ignore", "ipv6.accept_ra" or "ipv4.neigh.app_solicit"',
      'sysctls = { ‸"net.ipv4.arp_ignore" = 1 }',
    ],
    [
      'sysctls."ipv4.arp_ignore"',
      "is the number 1.5",
      "an integer",
      'sysctls = { "ipv4.arp_ignore" = ‸1.5 }',
    ],
    [
      'sysctls."ipv4.arp_ignore"',
      'is the string "1"',
      "an integer",
      'sysctls = { "ipv4.arp_ignore" = ‸"1" }',
    ],
  ])("%s: %s", async (path, message, expected, line) => {
    const { text, places } = marked(device(line));
    const told = `${FOLDER}/netdevd.toml:${places[0]}: mapping[0].device[0].${path}: ${message}, expected ${expected}`;
    expect((await faultsOf(text)).map(formatFault)).toEqual([told]);
  });
});
