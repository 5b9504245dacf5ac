import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { System } from "./system.ts";

/**
 * What udev has to do with the devices at home. It renames a new one and sets it up some time after the kernel
 * has told of it, and what was taken before that comes home under a name that nobody knows it by.
 *
 * @param folder where udev keeps what it knows: /run/udev
 * @param isItsHome whether home is the namespace that udev is in, whose ifindexes it goes by
 */
export function udevIn(folder: string, isItsHome: boolean): Pick<System, "isSetUp"> {
  return {
    isSetUp(ifindex) {
      if (!isItsHome || !existsSync(join(folder, "control"))) return true;
      return isDone(entryOf(join(folder, "data", `n${ifindex}`)));
    },
  };
}

/**
 * Whether its rules were run (sd_device_get_is_initialized(3)), and it is not about to be renamed: udev writes an
 * entry before it does that, and drops the mark when the kernel has told it of the new name (rename_netif()).
 */
function isDone(entry: string): boolean {
  return /^I:\d/m.test(entry) && !/^E:ID_RENAMING=1$/m.test(entry);
}

function entryOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has not got that far.
    return "";
  }
}
