import type { AttachedDevice } from "../domain/attachment.ts";
import { isHardware } from "../domain/device.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Followed } from "./kernel.ts";
import { wantedOf } from "./whereabouts.ts";

/** A device that did not come home, or not as itself. */
export interface NotHome {
  readonly home: null;
  readonly gone: boolean;
  /** Whether it is, or may be, in one of the namespaces that are held for it; else nothing is lost with these. */
  readonly mayBeInside: boolean;
  /** Where it is at home, if not as it was; null: it is not there. */
  readonly ifindex: number | null;
  readonly problem: Problem;
}

/** Seen in a namespace that nothing leads to, or not yet looked for everywhere: it may be there still. */
export function outOfReach(device: AttachedDevice, { seen }: Extract<Followed, { ok: false }>): NotHome {
  const { name } = device.snapshot.device;
  const message =
    seen === null
      ? `${name} is not found yet: there are more namespaces, and devices in them, that the container's leads to than are looked at in one go; it is tried again by itself, or by \`netdevd release\``
      : `${name} was moved on from the container's namespace to one that neither a process nor a mount leads to (its number there is ${seen.nsid}), and is called ${seen.name} there; it is tried again by itself, or by \`netdevd release\``;
  const problem: Problem = { code: "stuck", message, device: name };
  return { home: null, gone: false, mayBeInside: true, ifindex: null, problem };
}

/**
 * The container may delete a virtual device, and the kernel deletes it with the namespace; hardware never
 * goes away for good by that, and is looked for again.
 *
 * @param unseen why init_net could not be looked at, or null
 */
export function nowhere(device: AttachedDevice, unseen: Problem | null): NotHome {
  const { name, kind } = device.snapshot.device;
  const gone = kind !== null && !isHardware(wantedOf(device).identity);
  // That init_net is home and has been looked at already.
  const whyNot = unseen === null || unseen.code === "host-namespace" ? "" : `; init_net: ${unseen.message}`;
  const message = gone
    ? `${name} is no more: neither the host nor the container's namespace has it; a ${kind} is deleted by \`ip link delete\` inside or with its namespace`
    : `${name} is neither on the host nor in the container's namespace: it may have been moved on or unplugged${whyNot}`;
  return {
    home: null,
    gone,
    mayBeInside: false,
    ifindex: null,
    problem: { code: gone ? "device-missing" : "stuck", message, device: name },
  };
}
