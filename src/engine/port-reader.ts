import type { Device } from "../domain/device.ts";
import type { MulticastGroup } from "../domain/multicast-group.ts";
import { isChosenState, type Port, type PortVlan } from "../domain/port.ts";
import { decodePortVlans, getPortVlans } from "../netlink/bridge-vlan.ts";
import type { Connection } from "../netlink/connection.ts";
import { decodeLink, getLink } from "../netlink/link.ts";
import { decodeGroups, getGroups } from "../netlink/multicast-group.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { decodePort, hasNoStp } from "../netlink/port.ts";
import { unlessGone } from "./unless-gone.ts";

/**
 * What a device is as a port; null where it is none.
 *
 * @param payload the RTM_NEWLINK that tells of the device
 * @param groups whether its multicast groups are read: those of all bridges are told
 */
export function readPort(
  connection: Connection,
  device: Device,
  payload: Uint8Array,
  groups: boolean,
): Port | null {
  const { slaveKind, ifindex, permanentMac } = device;
  // What a team's ports have by themselves it does not tell, and what was set of them by generic netlink alone.
  if (slaveKind === "team") return { settings: {}, vlans: null, mac: permanentMac };
  const port = decodePort(payload);
  if (port === null || slaveKind !== "bridge") return port && { ...port, vlans: null };
  const member = groups ? readGroups(connection, ifindex) : [];
  return {
    ...port,
    settings: withoutOwnState(connection, device, port.settings),
    vlans: readPortVlans(connection, ifindex),
    ...(member.length === 0 ? {} : { groups: member }),
  };
}

/** The VLANs of a bridge's port; null where the kernel's bridges know none, or it is a port no more. */
export function readPortVlans(connection: Connection, ifindex: number): PortVlan[] | null {
  try {
    return connection.dump(getPortVlans(ifindex)).flatMap(({ payload }) => decodePortVlans(payload));
  } catch (error) {
    if (error instanceof NetlinkError && NO_VLANS.has(error.code)) return null;
    throw error;
  }
}

const NO_VLANS: ReadonlySet<string> = new Set(["EOPNOTSUPP", "EINVAL", "ENODEV"]);

function readGroups(connection: Connection, ifindex: number): MulticastGroup[] {
  try {
    return connection.dump(getGroups()).flatMap(({ payload }) => decodeGroups(payload, ifindex));
  } catch (error) {
    // A kernel without CONFIG_BRIDGE_IGMP_SNOOPING.
    if (error instanceof NetlinkError && error.code === "EOPNOTSUPP") return [];
    throw error;
  }
}

/** Settings without the state, where that is the bridge's to work out. */
function withoutOwnState(
  connection: Connection,
  device: Device,
  { state, ...settings }: Port["settings"],
): Port["settings"] {
  if (state === undefined || device.master === null || !isChosenState(state, device)) return settings;
  const bridge = getLink(device.master);
  const payload = unlessGone(() => connection.request(bridge)[0]?.payload ?? null);
  // Those of a bridge that is down are all disabled.
  const isChosen = payload !== null && decodeLink(payload).up && hasNoStp(payload);
  return isChosen ? { ...settings, state } : settings;
}
