import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { bootTime } from "../../ffi/process.ts";
import { type Attachment, namespacesOf } from "../domain/attachment.ts";
import { readJournal } from "../engine/journal.ts";
import { KernelService } from "../engine/kernel-service.ts";
import { createLinux } from "../engine/linux.ts";
import { type Pins, pinsIn } from "../engine/pins.ts";
import { PINS } from "./folders.ts";
import { lockedBy } from "./lock.ts";

/** What has come of {@link hold}. */
export interface Held {
  /** Namespaces that are pinned now. */
  readonly pinned: number;
  /** Those that could not be, and why. */
  readonly faults: readonly string[];
}

/**
 * Pins the namespaces of all that is on record by mounts, in the mount namespace of the caller.
 *
 * A daemon in a sandbox has the service manager hold them, and systemd before 254 lets go of everything when the unit
 * is stopped. Whoever stops it calls this first, outside of the sandbox: each namespace is found by the daemon's
 * own fds while that still runs, and by its containers.
 */
export function hold(state: string): Held {
  const pins = pinsIn(join(state, PINS));
  const left = readJournal(state);
  const missing = new Set(left.flatMap(namespacesOf));
  for (const cookie of pins.list()) missing.delete(cookie);
  const faults: string[] = [];
  let pinned = 0;
  // Its end leaves the pins where they are.
  using service = new KernelService(createLinux(), () => undefined, pins);
  for (const path of missing.size === 0 ? [] : waysTo(state, left)) {
    const opened = service.open({ by: "netns", path }, bootTime());
    if (!opened.ok) continue;
    if (!missing.delete(opened.cookie)) {
      service.close(opened.cookie);
      continue;
    }
    const fault = service.pin(opened.cookie);
    if (fault === null) pinned += 1;
    else faults.push(`namespace ${opened.cookie} cannot be pinned: ${fault}`);
  }
  for (const cookie of missing)
    faults.push(
      `namespace ${cookie} cannot be reached any more: its container has ended, and no daemon has it open`,
    );
  return { pinned, faults };
}

/** Takes away all pins. Only for while a daemon holds the namespaces in another way. */
export function letGoOfPins(state: string): number {
  const pins: Pins = pinsIn(join(state, PINS));
  const cookies = pins.list();
  for (const cookie of cookies) pins.unpin(cookie);
  return cookies.length;
}

/** Paths that may lead to the namespaces; what they lead to is looked at before it is believed. */
function waysTo(state: string, left: readonly Attachment[]): string[] {
  const holders = left.flatMap((attachment) => attachment.holders);
  const byHolder = holders.flatMap(({ pid, path }) => [
    ...(pid === null ? [] : [`/proc/${pid}/ns/net`]),
    ...(path === null ? [] : [path]),
  ]);
  return [...namespacesOpenIn(lockedBy(state)), ...byHolder];
}

/** The network namespaces that a process has open, each once. */
function namespacesOpenIn(pid: number | null): string[] {
  const folder = `/proc/${pid}/fd`;
  const found = new Map<string, string>();
  for (const fd of pid === null ? [] : entries(folder)) {
    const path = join(folder, fd);
    const link = linkOf(path);
    if (link?.startsWith("net:[")) found.set(link, path);
  }
  return Array.from(found.values());
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // The process has ended.
    return [];
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
