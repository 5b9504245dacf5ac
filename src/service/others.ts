import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { Others } from "../engine/aftercare.ts";

/**
 * Who else acts on devices that come home, by the files that they keep; null: nobody, for udev serves the network
 * namespace of process 1 alone.
 *
 * @param run where those files are: /run
 * @param initial the network namespace of process 1
 */
export function othersAt(run: string, initial = "/proc/1/ns/net"): Others | null {
  if (!existsSync(join(run, "udev/control")) || !isOurs(initial)) return null;
  return {
    // udevadm settle waits for the same.
    settled: () => !existsSync(join(run, "udev/queue")),
    manages: (ifindex) =>
      // Before that it waits for udev, and has not decided yet (link_state_to_string()).
      /^ADMIN_STATE=(configuring|configured|failed)$/m.test(
        textOf(join(run, `systemd/netif/links/${ifindex}`)),
      ) || /^managed=(1|true)$/m.test(textOf(join(run, `NetworkManager/devices/${ifindex}`))),
  };
}

function isOurs(namespace: string): boolean {
  try {
    return readlinkSync(namespace) === readlinkSync("/proc/thread-self/ns/net");
  } catch {
    // Not to be looked at: then its udev does not see us either.
    return false;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // There is none for a device that nobody has taken in hand.
    return "";
  }
}
