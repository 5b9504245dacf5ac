import type { Namespace } from "../helpers/namespace.ts";
import { isSettled } from "../helpers/picture.ts";
import { integer, pick, type Random } from "../sim/model/random.ts";

/** Settings that have no bearing on what else a device can have. */
const SYSCTLS = [
  ["ipv4/conf", "arp_ignore", ["1", "2"]],
  ["ipv4/conf", "arp_announce", ["1", "2"]],
  ["ipv4/conf", "rp_filter", ["0", "1", "2"]],
  ["ipv4/conf", "forwarding", ["0", "1"]],
  ["ipv4/conf", "accept_local", ["1"]],
  ["ipv4/conf", "proxy_arp", ["1"]],
  ["ipv4/conf", "medium_id", ["7"]],
  ["ipv4/conf", "promote_secondaries", ["0", "1"]],
  ["ipv6/conf", "accept_ra", ["0", "2"]],
  ["ipv6/conf", "hop_limit", ["33"]],
  ["ipv6/conf", "dad_transmits", ["0", "3"]],
  ["ipv6/conf", "use_tempaddr", ["2"]],
  ["ipv6/conf", "proxy_ndp", ["1"]],
  ["ipv4/neigh", "base_reachable_time_ms", ["22000"]],
  ["ipv4/neigh", "gc_stale_time", ["77"]],
  ["ipv6/neigh", "retrans_time_ms", ["1500"]],
] as const;

/** Commands of which each gives a device something that has to come home with it. */
function more(name: string, random: Random): string[] {
  const net = 1 + integer(random, 200);
  const metric = 1 + integer(random, 1000);
  return pick(random, [
    [`ip route add 10.${net}.0.0/16 via 192.0.2.254 dev ${name} metric ${metric}`],
    [`ip route add 10.${net}.0.0/16 dev ${name} proto static scope link src 192.0.2.2 table ${net}`],
    [`ip route add 10.${net}.1.0/24 via 203.0.113.9 dev ${name} mtu lock 1300 advmss 1200 initcwnd 20`],
    [`ip route add 10.${net}.2.0/24 via 172.16.${net}.1 dev ${name} onlink proto bgp realms 4`],
    [`ip route add 10.${net}.3.0/24 nexthop via 192.0.2.253 weight 3 nexthop via 203.0.113.8 weight 7`],
    [`ip route add default via 192.0.2.254 dev ${name} metric ${metric} table 77`],
    [`ip -6 route add 2001:db8:${net}::/48 via 2001:db8:1::fe dev ${name} metric ${metric} pref high`],
    [
      `ip -6 route add 2001:db8:${net}:1::/64 nexthop via 2001:db8:1::a dev ${name} nexthop via 2001:db8:2::b dev ${name}`,
    ],
    [`ip -6 route add 2001:db8:${net}:2::/64 dev ${name} mtu 1290 expires 9000`],
    [`ip -6 route add 2001:db8:${net}:3::/64 via fe80::${net} dev ${name} table 88 proto static`],
    [`ip rule add iif ${name} table ${net} pref ${metric}`],
    [`ip -6 rule add oif ${name} table ${net} pref ${metric}`],
    [`ip neigh add 192.0.2.${net} lladdr 02:00:00:00:01:09 dev ${name} nud permanent`],
    [`ip neigh add 2001:db8:1::${net} lladdr 02:00:00:00:01:08 dev ${name} nud permanent router`],
    [`ip neigh add proxy 192.0.2.${net} dev ${name}`],
    [`ip neigh add proxy 2001:db8:1::${net} dev ${name}`],
    [`ip addr add 198.51.100.${net}/28 dev ${name} valid_lft 9000 preferred_lft 8000`],
    [`ip addr add 2001:db8:4::${net}/64 dev ${name} nodad home`],
    [`ip addr add 192.0.2.${net}/24 brd 192.0.2.255 dev ${name} scope 200`],
    [`ip addr add 2001:db8:5::${net}/128 dev ${name} nodad valid_lft forever preferred_lft 0`],
    [`tc qdisc replace dev ${name} root tbf rate 50mbit burst 64kb latency 40ms`],
    [`tc qdisc replace dev ${name} root pfifo limit ${metric}`],
    [`ip token set ::${net} dev ${name}`],
    [`ip link set ${name} promisc on`],
    [`ip link set ${name} allmulticast on`],
    [`ip link set ${name} arp off`],
    [`ip link set ${name} group ${net}`],
    [`ip link set ${name} addrgenmode none`],
    [`ip link set ${name} down`],
    [`ip addr flush dev ${name}`],
    [`ip link set ${name} down`, `ip link set ${name} addrgenmode random`, `ip link set ${name} up`],
    ...SYSCTLS.map(([folder, key, values]) => [
      `echo ${pick(random, values)} > /proc/sys/net/${folder}/${name}/${key}`,
    ]),
    [
      `ip link set ${name} master br0`,
      `bridge link set dev ${name} hairpin on isolated on cost ${metric}`,
      // Where the kernel has VLANs of bridges.
      `ip link set br0 type bridge vlan_filtering 1`,
      `bridge vlan add dev ${name} vid ${net}-${net + 3}`,
      `bridge vlan add dev ${name} vid ${net + 5} pvid untagged`,
      `bridge fdb add 02:00:00:00:02:${(net % 90) + 10} dev ${name} master static`,
      `bridge mdb add dev br0 port ${name} grp 239.1.1.${net} permanent`,
    ],
  ]);
}

/** Gives a device up to a dozen things; what the kernel refuses in the state that it is in by then is left out. */
export async function giveMore(netns: Namespace, name: string, random: Random): Promise<string[]> {
  const commands = Array.from({ length: integer(random, 13) }, () => more(name, random)).flat();
  await netns.run("sh", "-c", commands.map((command) => `${command} 2>/dev/null`).join("\n") || "true").catch(
    // The exit status of the last of them.
    () => undefined,
  );
  return commands;
}

/** All that a person can see of the network of a namespace, line by line; what changes by itself left out. */
export async function everything(netns: Namespace): Promise<Record<string, unknown>> {
  const end = performance.now() + 2000;
  while (!(await isSettled(netns)) && performance.now() < end) await Bun.sleep(20);
  const names = await netns.names();
  const lines = async (command: string) =>
    (await netns.run("sh", "-c", command))
      .split("\n")
      .map((line) => line.trim().replaceAll(/ +/g, " "))
      .filter((line) => line !== "")
      .toSorted();
  const sysctls = ["ipv4/conf", "ipv4/neigh", "ipv6/conf", "ipv6/neigh"].flatMap((folder) =>
    names.map((name) => `/proc/sys/net/${folder}/${name}`),
  );
  return {
    devices: Object.values(await netns.devices()).map((device) =>
      // A device that is down has got its default qdisc or not: it gets one when it comes up.
      device.up ? device : { ...device, rest: { ...device.rest, qdisc: null } },
    ),
    ipv4: await lines("ip -4 -d route show table all"),
    ipv6: (await lines("ip -6 -d route show table all"))
      // These come and go with the kernel's own link-local address; and a lifetime runs.
      .filter((line) => !/(^| )(fe80|ff00)::[^ ]* (dev|proto|table)/.test(line))
      .map((line) => line.replace(/expires \d+sec/, "expires")),
    rules: [await lines("ip -4 rule"), await lines("ip -6 rule")],
    neighbours: await lines("ip neigh show nud permanent"),
    proxies: await lines("ip neigh show proxy; ip -6 neigh show proxy"),
    fdb: (await lines("bridge fdb show")).filter(
      (line) => /permanent|static/.test(line) && !/^(33:33|01:00:5e)/.test(line),
    ),
    vlans: await lines("bridge -compressvlans vlan show 2>/dev/null || true"),
    groups: (await lines("bridge mdb show")).filter((line) => line.includes("permanent")),
    ports: (await lines("bridge -d link show")).map((line) => line.replace(/state \w+/, "")),
    qdiscs: (await lines("tc qdisc show")).filter((line) => !line.includes(" 0: ")),
    tokens: await lines("ip token list"),
    sysctls: await lines(`grep -s '' -r ${sysctls.join(" ")} | grep -v stable_secret`),
  };
}
