import { type Address, addressText } from "./address.ts";
import { groupText, type MulticastGroup } from "./multicast-group.ts";
import { type Neighbour, neighbourText } from "./neighbour.ts";
import { type Port, type PortKind, type PortVlan, vlansText } from "./port.ts";
import { type Qdisc, qdiscText } from "./qdisc.ts";
import { type Route, routeText } from "./route.ts";
import { type Sysctls, sysctlsText } from "./sysctls.ts";

/** Where a device is: in the namespace that the daemon was started in, or in the container's. */
export type Place = "home" | "inside";

/** What is to change of a device itself. null: leave it as it is. */
export interface LinkChange {
  readonly name: string | null;
  /** Bytes. */
  readonly mtu: number | null;
  readonly mac: string | null;
  /** "": none. */
  readonly alias: string | null;
  readonly txqueuelen: number | null;
  readonly group: number | null;
  /** The ifindex of the bridge, bond, team or VRF that it shall be a port of; 0: of none. */
  readonly master: number | null;
  /** All of USER_FLAGS. */
  readonly flags: number | null;
  readonly up: boolean | null;
}

/** Nothing changes. */
export const NO_CHANGE: LinkChange = {
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

/** One request to the kernel, as data. A step acts on its device where it is when the step's turn comes. */
export type Step =
  /** Moves the device, and in the same message renames it and sets what differs. */
  | {
      readonly type: "move";
      readonly to: Place;
      readonly ifindex: number | null;
      readonly change: LinkChange;
    }
  | { readonly type: "change"; readonly change: LinkChange }
  /** Writes those that are not so already. */
  | { readonly type: "set-sysctls"; readonly sysctls: Sysctls }
  /** Once it listens to routers. */
  | { readonly type: "set-token"; readonly token: string }
  /** Of the port of a master of this kind, by the names of BRPORT or BOND_PORT. */
  | { readonly type: "set-port"; readonly of: PortKind; readonly settings: Port["settings"] }
  /** The VLANs of the port of a bridge, in place of those that it has. */
  | { readonly type: "set-vlans"; readonly vlans: readonly PortVlan[] }
  | { readonly type: "add-altname"; readonly altname: string }
  | { readonly type: "delete-altname"; readonly altname: string }
  /** `proven`: nobody else has it, as was found before; no duplicate address detection is started. */
  | { readonly type: "add-address"; readonly address: Address; readonly proven: boolean }
  | { readonly type: "delete-address"; readonly address: Address }
  /** One that is there already is as good as one that was added. */
  | { readonly type: "add-route"; readonly route: Route }
  | { readonly type: "delete-route"; readonly route: Route }
  | { readonly type: "add-neighbour"; readonly neighbour: Neighbour }
  /** To the port of the bridge that has this ifindex. */
  | { readonly type: "add-group"; readonly bridge: number; readonly group: MulticastGroup }
  | { readonly type: "set-qdisc"; readonly qdisc: Qdisc };

/**
 * The same steps with each change by itself, so that one that is refused takes no other with it. A name stays with its
 * move, where it keeps the device from clashing on arrival; and a MAC, by which whoever looks for a device that has
 * neither name nor number of its own at home knows it, should we die in between.
 */
export function separately(steps: readonly Step[]): Step[] {
  return steps.flatMap((step): Step[] => {
    if (step.type !== "move" && step.type !== "change") return [step];
    const { name, mac } = step.change;
    const isMove = step.type === "move";
    const first: Step[] = isMove ? [{ ...step, change: { ...NO_CHANGE, name, mac } }] : [];
    if (!isMove && name !== null) first.push({ type: "change", change: { ...NO_CHANGE, name } });
    const done = isMove ? ["name", "mac"] : ["name"];
    const rest = Object.entries(step.change).filter(([key, value]) => value !== null && !done.includes(key));
    return [
      ...first,
      ...rest.map(([key, value]): Step => ({ type: "change", change: { ...NO_CHANGE, [key]: value } })),
    ];
  });
}

/** A step for a person: `move inside: name eth1, mtu 9000`. */
export function stepText(step: Step): string {
  switch (step.type) {
    case "move": {
      const change = changeText(step.change);
      return `move ${step.to}${change === "" ? "" : `: ${change}`}`;
    }
    case "change":
      return `set ${changeText(step.change)}`;
    case "set-sysctls":
      return `set sysctls ${sysctlsText(step.sysctls)}`;
    case "set-token":
      return `set token ${step.token}`;
    case "set-port":
      return `set port ${Object.entries(step.settings)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ")}`;
    case "set-vlans":
      return `set VLANs ${vlansText(step.vlans)}`;
    case "add-altname":
      return `add altname ${step.altname}`;
    case "delete-altname":
      return `delete altname ${step.altname}`;
    case "add-address":
      return `add address ${addressText(step.address)}`;
    case "delete-address":
      return `delete address ${addressText(step.address)}`;
    case "add-route":
      return `add route ${routeText(step.route)}`;
    case "delete-route":
      return `delete route ${routeText(step.route)}`;
    case "add-neighbour":
      return `add ${neighbourText(step.neighbour)}`;
    case "add-group":
      return `add ${groupText(step.group)}`;
    case "set-qdisc":
      return `set qdisc ${qdiscText(step.qdisc)}`;
  }
}

function changeText(change: LinkChange): string {
  const parts = [
    change.name === null ? "" : `name ${change.name}`,
    change.mtu === null ? "" : `mtu ${change.mtu}`,
    change.mac === null ? "" : `mac ${change.mac}`,
    change.alias === null ? "" : `alias "${change.alias}"`,
    change.txqueuelen === null ? "" : `txqueuelen ${change.txqueuelen}`,
    change.group === null ? "" : `group ${change.group}`,
    change.master === null ? "" : change.master === 0 ? "no port" : `port of device ${change.master}`,
    change.flags === null ? "" : flagsText(change.flags),
    change.up === null ? "" : change.up ? "up" : "down",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** As `ip link set` has them. */
export function flagsText(flags: number): string {
  const onOff = (bit: number) => ((flags & bit) === 0 ? "off" : "on");
  const arp = (flags & 0x80) === 0 ? "on" : "off";
  return `promisc ${onOff(0x100)} allmulticast ${onOff(0x200)} multicast ${onOff(0x1000)} arp ${arp}`;
}
