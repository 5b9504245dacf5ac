import { writeFileSync } from "node:fs";
import type { Lab } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";
import { bare, freshNic, type Nic, settle } from "./hardware.ts";

/** The card with SR-IOV, and what udev calls its virtual functions. */
export interface Card {
  readonly pf: Nic;
  readonly vfs: readonly [string, string];
}

/** The card, up and with two virtual functions, whatever an earlier scenario left of them. */
export async function freshFunctions(lab: Lab): Promise<Card> {
  const pf = await freshNic(lab, "igb");
  const card: Card = { pf, vfs: [`${pf.name}v0`, `${pf.name}v1`] };
  await lab.host.ip(`link set ${pf.name} up`);
  const rows = await lab.host.json("-details link show");
  const known = rows.filter(({ ifname }) => card.vfs.some((vf) => vf === ifname));
  if (known.length === card.vfs.length) {
    await lab.host.ip(...known.flatMap(bare));
  } else {
    await setFunctions(pf, 0);
    await setFunctions(pf, 2);
  }
  await functionsThere(lab, card);
  return card;
}

/** Has the card make so many virtual functions; 0: those that there are vanish, wherever they are. */
export async function setFunctions({ pci }: Nic, count: number): Promise<void> {
  writeFileSync(`/sys/bus/pci/devices/${pci}/sriov_numvfs`, String(count));
  await settle();
}

/** Waits until the host has both. */
export async function functionsThere(lab: Lab, { vfs }: Card): Promise<void> {
  for (const vf of vfs) {
    await until(`${vf} to be on the host`, async () => (await lab.host.names()).includes(vf));
  }
  await settle();
}
