import { join } from "node:path";
import type { AftercareParts } from "../engine/aftercare.ts";
import { bootId, type Journal, openJournal, setAsideText } from "../engine/journal.ts";
import type { Kernel } from "../engine/kernel.ts";
import type { Log } from "../engine/log.ts";
import { pinsIn } from "../engine/pins.ts";
import { returnedIn } from "../engine/returned.ts";
import { PINS, RETURNED } from "./folders.ts";
import { othersAt } from "./others.ts";

/** The state folder, opened. */
export interface State {
  readonly journal: Journal;
  /** What it takes to look after what has come home; null: nobody else acts on devices here. */
  readonly aftercare: AftercareParts | null;
  /**
   * Lets go of what earlier daemons pinned and nobody of `known` (cookies) is in. Where something of this boot
   * is not on record, such a namespace may hold devices: it is left alone, and told with the way out.
   *
   * @returns how many were told
   */
  tidyPins(known: readonly string[]): Promise<number>;
}

/**
 * Opens what is kept in the state folder, and tells what was wrong with it. Its lock has to be held.
 *
 * @param stored cookies of the namespaces that the service manager holds
 */
export async function openState(
  folder: string,
  kernel: Kernel,
  log: Log,
  stored: readonly string[] = [],
): Promise<State> {
  const owner = { bootId: bootId(), homeCookie: await kernel.homeCookie() };
  const { journal, setAside, isWhole } = openJournal(folder, owner, [
    ...pinsIn(join(folder, PINS)).list(),
    ...stored,
  ]);
  if (setAside !== null) log("warning", setAsideText(setAside), {});
  const others = othersAt("/run");
  return {
    journal,
    aftercare: others && { others, returned: returnedIn(join(folder, RETURNED), owner) },
    async tidyPins(known) {
      if (isWhole) {
        for (const fault of await kernel.unpinOthers(known)) {
          log("warning", `the pin of an earlier daemon stays until the next start: ${fault}`, {});
        }
        return 0;
      }
      const left = await kernel.unaccounted(known);
      for (const { path, devices } of left) {
        const message = `${path} holds a namespace, and what netdevd did there is not on record any more; in it: ${devices.join(", ") || "no device"}. \`nsenter --net=${path} ip link set DEVICE netns 1 name NAME\` brings a device home, \`umount ${path}\` lets go of the namespace`;
        log("warning", message, {});
      }
      return left.length;
    },
  };
}
