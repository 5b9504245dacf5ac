import { type Address, addressKey, IFA_F_PERMANENT } from "../../../src/domain/address.ts";
import { parseIp } from "../../../src/domain/ip.ts";
import type { Located } from "../../../src/domain/plan.ts";
import type { Snapshot } from "../../../src/domain/snapshot.ts";
import type { LinkChange, Step } from "../../../src/domain/step.ts";
import { LENT_MAC, MASTERS } from "./arbitrary.ts";

/** What a namespace gives to a device that comes into it. */
const DEFAULTS = { "ipv4.arp_ignore": 0, "ipv6.accept_ra": 1, "ipv4.neigh.app_solicit": 0 };

/** What the kernel makes of a device by carrying out `steps` on it. A step that it would refuse is thrown. */
export function apply(start: Located, steps: readonly Step[]): Located {
  return steps.reduce(({ place, snapshot }, step) => {
    if (step.type !== "move") return { place, snapshot: applyOne(snapshot, step) };
    const device = {
      ...parted(snapshot).device,
      master: null,
      up: false,
      ifindex: step.ifindex ?? snapshot.device.ifindex,
    };
    // Addresses stay behind, settings are those of any device there, and the device arrives down.
    const bare = { ...snapshot, device, addresses: [], routes: [], port: null, sysctls: DEFAULTS };
    return { place: step.to, snapshot: changed(bare, step.change) };
  }, start);
}

function applyOne(snapshot: Snapshot, step: Exclude<Step, { type: "move" }>): Snapshot {
  const { device, addresses } = snapshot;
  const named = (altname: string) => device.name === altname || device.altnames.includes(altname);
  switch (step.type) {
    case "change":
      return changed(snapshot, step.change);
    case "add-route":
      return { ...snapshot, routes: [...snapshot.routes, step.route] };
    case "delete-route":
      return { ...snapshot, routes: snapshot.routes.filter((route) => route !== step.route) };
    case "add-neighbour":
      return { ...snapshot, neighbours: [...snapshot.neighbours, step.neighbour] };
    case "add-group": {
      if (device.master !== step.bridge) throw new Error("EINVAL: it is no port of that bridge");
      const groups = [...(snapshot.port?.groups ?? []), step.group];
      return { ...snapshot, port: { settings: {}, vlans: null, ...snapshot.port, groups } };
    }
    case "set-qdisc":
      return { ...snapshot, qdisc: step.qdisc };
    case "set-port":
      if (device.master === null) throw new Error("EINVAL: it is no port");
      return {
        ...snapshot,
        port: { vlans: null, ...snapshot.port, settings: { ...snapshot.port?.settings, ...step.settings } },
      };
    case "set-vlans":
      return { ...snapshot, port: { settings: {}, ...snapshot.port, vlans: step.vlans } };
    case "set-token":
      return { ...snapshot, token: step.token };
    case "set-sysctls":
      return { ...snapshot, sysctls: { ...snapshot.sysctls, ...step.sysctls } };
    case "add-altname":
      if (named(step.altname)) throw new Error(`EEXIST: altname ${step.altname}`);
      return { ...snapshot, device: { ...device, altnames: [...device.altnames, step.altname] } };
    case "delete-altname": {
      if (!device.altnames.includes(step.altname)) throw new Error(`ENOENT: altname ${step.altname}`);
      return {
        ...snapshot,
        device: { ...device, altnames: device.altnames.filter((one) => one !== step.altname) },
      };
    }
    case "add-address": {
      const key = addressKey(step.address);
      if (addresses.some((one) => addressKey(one) === key)) throw new Error(`EEXIST: ${key}`);
      const stays = step.address.validLifetime === null ? IFA_F_PERMANENT : 0;
      const added = { ...step.address, flags: step.address.flags | stays };
      // IPv4 addresses are listed in the order of adding, those of IPv6 newest first.
      return {
        ...snapshot,
        addresses: added.family === "inet" ? [...addresses, added] : [added, ...addresses],
      };
    }
    case "delete-address": {
      const at = addresses.findIndex((one) => addressKey(one) === addressKey(step.address));
      if (at < 0) throw new Error(`EADDRNOTAVAIL: ${addressKey(step.address)}`);
      const isPrimary = !addresses.slice(0, at).some((one) => subnetOf(one) === subnetOf(step.address));
      // A primary takes its secondaries with it (promote_secondaries of ip-sysctl is 0 by default).
      const goes = (one: Address) => isPrimary && subnetOf(one) === subnetOf(step.address);
      return { ...snapshot, addresses: addresses.filter((one, index) => index !== at && !goes(one)) };
    }
  }
}

/** What IPv4 addresses have in common of which the first is the primary; IPv6 knows nothing of the kind. */
function subnetOf({ family, local, peer, prefixLength }: Address): string {
  if (family === "inet6") return local;
  const bits = Array.from(parseIp(peer ?? local) ?? [], (byte) => byte.toString(2).padStart(8, "0")).join("");
  return `${bits.slice(0, prefixLength)}/${prefixLength}`;
}

/** No port any more: what was lent is given back. */
function parted(snapshot: Snapshot): Snapshot {
  const { device, port } = snapshot;
  const mac = port?.mac ?? device.mac;
  return { ...snapshot, device: { ...device, mac, master: null, slaveKind: null }, port: null };
}

/** A port of that master; bond and team take none that is up, and a VRF takes it down for that. */
function joined(snapshot: Snapshot, master: number): Snapshot {
  const kind = MASTERS[master] ?? null;
  const lends = kind === "bond" || kind === "team";
  const { device } = snapshot;
  if (lends && device.up) throw new Error(`EPERM: a ${kind} takes no port that is up`);
  const port = lends ? { settings: {}, vlans: null, mac: device.mac } : null;
  const mac = lends ? LENT_MAC : device.mac;
  const held = { ...snapshot, port, device: { ...device, mac, master, slaveKind: kind } };
  return kind === "vrf" && device.up ? { ...held, addresses: withoutInet6(held.addresses) } : held;
}

function withoutInet6(addresses: readonly Address[]): Address[] {
  return addresses.filter(({ family }) => family === "inet");
}

function changed(before: Snapshot, change: LinkChange): Snapshot {
  const { master } = change;
  if (change.mac !== null && before.port?.mac !== undefined && change.master === null)
    throw new Error("its MAC is its master's");
  const given = { ...before, device: { ...before.device, mac: change.mac ?? before.device.mac } };
  const wasDownFor = before.device.slaveKind !== "bridge" && before.device.slaveKind !== null;
  if (master !== null && wasDownFor && before.device.up) throw new Error("it is up");
  const left = master === null ? given : parted(given);
  const snapshot = master ? joined(left, master) : left;
  const { device } = snapshot;
  let { addresses } = snapshot;
  if (change.name !== null && device.altnames.includes(change.name))
    throw new Error(`EEXIST: ${change.name}`);
  // IPv6 addresses die when a link goes down.
  if (change.up === false) addresses = withoutInet6(addresses);
  if (change.name !== null) addresses = relabelled(addresses, change.name);
  return {
    ...snapshot,
    device: {
      ...device,
      name: change.name ?? device.name,
      mtu: change.mtu ?? device.mtu,
      alias: change.alias === null ? device.alias : change.alias || null,
      txqueuelen: change.txqueuelen ?? device.txqueuelen,
      group: change.group ?? device.group,
      flags: change.flags ?? device.flags,
      up: change.up ?? device.up,
    },
    addresses,
  };
}

/** What a rename makes of labels (inetdev_changename): the first is the name, the others have it in front. */
function relabelled(addresses: readonly Address[], name: string): Address[] {
  let count = 0;
  return addresses.map((address) => {
    if (address.family === "inet6") return address;
    const suffix = /:.*$/.exec(address.label ?? "")?.[0] ?? `:${count}`;
    count += 1;
    return { ...address, label: count === 1 ? name : `${name}${suffix}` };
  });
}
