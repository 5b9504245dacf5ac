import type { SyscallError } from "../../ffi/errno.ts";
import { type PortVlan, vlanChanges } from "../domain/port.ts";
import type { Sysctls } from "../domain/sysctls.ts";
import { addPortVlans, deletePortVlans } from "../netlink/bridge-vlan.ts";
import type { Connection } from "../netlink/connection.ts";
import type { NetlinkError } from "../netlink/netlink-error.ts";
import { readPortVlans } from "./port-reader.ts";
import { type Ground, readSysctls } from "./reader.ts";
import { writeSysctls } from "./sysctls.ts";

// Steps that look first at what is there, and change what differs.

/** Writes those settings of a device that are not so already; gives the first that was refused. */
export function setSysctls(
  ground: Ground,
  device: { readonly ifindex: number; readonly name: string },
  sysctls: Sysctls,
): SyscallError | null {
  const now = readSysctls(ground, device.ifindex, sysctls);
  return writeSysctls(ground.files, device.name, now, sysctls);
}

/** Gives a bridge's port these VLANs: it begins with the bridge's vlan_default_pvid, whatever that is by now. */
export function setVlans(
  connection: Connection,
  ifindex: number,
  vlans: readonly PortVlan[],
  about: string,
): NetlinkError | null {
  const { remove, add } = vlanChanges(readPortVlans(connection, ifindex) ?? [], vlans);
  const errors = connection.batch([
    ...(remove.length === 0 ? [] : [deletePortVlans(ifindex, remove, about)]),
    ...(add.length === 0 ? [] : [addPortVlans(ifindex, add, about)]),
  ]);
  return errors.find((error) => error !== null) ?? null;
}
