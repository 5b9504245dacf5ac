import { existsSync, writeFileSync } from "node:fs";
import { mustRun } from "../helpers/command.ts";
import type { Lab } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

/** A network card of the guest. */
export interface Nic {
  readonly driver: "virtio_net" | "e1000e" | "igb";
  /** Its place on the first PCI bus. */
  readonly slot: string;
  readonly mac: string;
  /** What udev calls it, by its place. */
  readonly name: string;
  readonly pci: string;
}

/** The cards that each guest has: two of each kind, and one with SR-IOV, whose VFs are in the slots 0x14 and up. */
export const NICS: readonly Nic[] = [
  nic("virtio_net", 0x10),
  nic("virtio_net", 0x11),
  nic("e1000e", 0x12),
  nic("e1000e", 0x13),
  nic("igb", 0x04),
];

/** The kinds of card, for scenarios that go through them. */
export const DRIVERS = ["virtio_net", "e1000e"] as const;

function nic(driver: Nic["driver"], slot: number): Nic {
  const hex = slot.toString(16).padStart(2, "0");
  return { driver, slot: hex, mac: `52:54:00:aa:00:${hex}`, name: `enp0s${slot}`, pci: `0000:00:${hex}.0` };
}

/** The first card of a kind, as it was when the guest had booted, whatever an earlier scenario left of it. */
export async function freshNic(lab: Lab, driver: Nic["driver"], which = 0): Promise<Nic> {
  const found = NICS.filter((one) => one.driver === driver)[which];
  if (found === undefined) throw new Error(`the guest has no ${which + 1} cards of ${driver}`);
  if (!existsSync(`/sys/bus/pci/devices/${found.pci}`)) await rescan();
  const row = await until(`${found.name} to be on the host`, async () => await rowOf(lab, found));
  const is = String(row.ifname);
  await lab.host.ip(
    ...bare(row),
    `link set ${is} address ${found.mac}`,
    ...(is === found.name ? [] : [`link set ${is} name ${found.name}`]),
  );
  await settle();
  return found;
}

/** Commands of ip(8) that take from a device whatever somebody gave it, but its name and MAC. */
export function bare(row: Readonly<Record<string, unknown>>): string[] {
  const name = String(row.ifname);
  const altnames = Array.isArray(row.altnames) ? row.altnames.map(String) : [];
  return [
    `link set ${name} down`,
    ...altnames.map((altname) => `link property del dev ${name} altname ${altname}`),
    `link set ${name} nomaster`,
    `link set ${name} mtu 1500 txqueuelen 1000`,
    `link set ${name} alias ""`,
    `addr flush dev ${name}`,
  ];
}

/** Takes all cards down, so that what a scenario has left of them is in nobody's way. */
export async function quieten(lab: Lab): Promise<void> {
  for (const nic of NICS) {
    const row = await rowOf(lab, nic);
    if (row !== undefined) await lab.host.ip(`link set ${row.ifname} down`, `addr flush dev ${row.ifname}`);
  }
}

/** What `ip -json -details link` tells of a card, wherever it is called what; null where the host has it not. */
export async function rowOf(lab: Lab, { mac, pci }: Nic): Promise<Record<string, unknown> | undefined> {
  const rows = await lab.host.json("-details link show");
  return rows.find((row) => (row.permaddr ?? row.address) === mac || row.parentdev === pci);
}

/** Waits until udev has dealt with all that has happened. */
export async function settle(): Promise<void> {
  await mustRun(["udevadm", "settle", "--timeout=60"]);
}

/** Takes a card out of the machine. */
export function unplug({ pci }: Nic): void {
  writeFileSync(`/sys/bus/pci/devices/${pci}/remove`, "1");
}

/** Puts the cards that were taken out in again. */
export async function rescan(): Promise<void> {
  writeFileSync("/sys/bus/pci/rescan", "1");
  await settle();
}
