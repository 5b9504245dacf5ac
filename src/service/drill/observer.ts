import type { Snapshot } from "../../domain/snapshot.ts";
import { EVERYTHING } from "../../engine/aspects.ts";
import { createLinux } from "../../engine/linux.ts";
import { readSnapshot } from "../../engine/reader.ts";
import { sysctlFilesOf } from "../../engine/sysctls.ts";
import { connect } from "../../netlink/connection.ts";

/** Looks at devices at home by a socket of its own: it is the witness, and takes nobody's word. */
export interface Observer extends Disposable {
  /** All that a device has; null where there is none with this number. */
  look(ifindex: number): Snapshot | null;
}

export function createObserver(): Observer {
  const linux = createLinux();
  const socket = linux.home();
  const ground = { connection: connect(socket), files: sysctlFilesOf(linux, linux.homeFd) };
  return {
    look: (ifindex) => readSnapshot(ground, ifindex, linux.bootTime(), EVERYTHING),
    [Symbol.dispose]() {
      socket[Symbol.dispose]();
      linux.close(linux.homeFd);
    },
  };
}
