import type { Attachment } from "../domain/attachment.ts";
import type { Device } from "../domain/device.ts";
import type { Guard } from "../domain/guard.ts";
import { naturalOrder } from "../domain/interface-name.ts";
import { permanentMacOf } from "../domain/match.ts";
import type { Inventoried } from "../engine/inventory.ts";

/** Who has a device that is away. */
export interface DeviceHolder {
  readonly containers: readonly string[];
  readonly mapping: string;
  /** Its name inside. */
  readonly name: string;
}

/** One device of the host, at home or in a container, as selectors see it. */
export interface ListedDevice {
  readonly name: string;
  /** At home; while it is away the one that it had there. */
  readonly ifindex: number;
  readonly altnames: readonly string[];
  readonly mac: string | null;
  readonly permanent_mac: string | null;
  readonly pci: string | null;
  readonly driver: string | null;
  /** The PCI address of the physical function that it is a virtual one of. */
  readonly pf: string | null;
  readonly kind: string | null;
  /** As `ip link` tells it; "away": it is in a container. */
  readonly state: string;
  /** null: it is at home, and nobody's. */
  readonly holder: DeviceHolder | null;
  /** What keeps it from being given away; none for a device that is away. */
  readonly guards: readonly Guard[];
}

/** What `/v1/devices` and `netdevd devices --json` tell: all devices of the host in natural order of name. */
export function devicesOf(
  home: readonly Inventoried[],
  attachments: readonly Attachment[],
): readonly ListedDevice[] {
  const away = attachments.flatMap(({ devices, holders, mapping }) =>
    devices
      .filter(({ state }) => state !== "home")
      .map(({ snapshot, wanted }) => {
        const holder = { containers: holders.map(({ id }) => id), mapping, name: wanted.device.name };
        return { device: snapshot.device, holder };
      }),
  );
  // One that is on its way may still be, or be again, at home: there it is seen as it is, and held all the same.
  const holderOf = ({ ifindex, mac }: Device) =>
    away.find(({ device }) => device.ifindex === ifindex && device.mac === mac)?.holder ?? null;
  const here = home.map(({ device, guards }) => ({
    ...listed(device),
    state: stateOf(device),
    holder: holderOf(device),
    guards,
  }));
  const elsewhere = away
    .filter(
      ({ device }) =>
        !home.some((one) => one.device.ifindex === device.ifindex && one.device.mac === device.mac),
    )
    .map(({ device, holder }) => ({ ...listed(device), state: "away", holder, guards: [] }));
  return [...here, ...elsewhere].sort((a, b) => naturalOrder(a.name, b.name));
}

function listed(device: Device) {
  const { name, ifindex, altnames, mac, kind, hardware } = device;
  return {
    name,
    ifindex,
    altnames,
    mac,
    permanent_mac: permanentMacOf(device),
    pci: hardware?.pci ?? null,
    driver: hardware?.driver ?? null,
    pf: hardware?.pf?.pci ?? null,
    kind,
  };
}

/** A device that is up and has no carrier is "down" to the kernel too (RFC 2863), which would tell less. */
function stateOf({ up, operstate }: Device): string {
  if (!up) return "down";
  return operstate === "down" ? "no-carrier" : operstate;
}
