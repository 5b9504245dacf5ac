import { existsSync } from "node:fs";
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
      // sd_device_get_is_initialized(3): of a network device there is an entry once its rules were run.
      return existsSync(join(folder, "data", `n${ifindex}`));
    },
  };
}
