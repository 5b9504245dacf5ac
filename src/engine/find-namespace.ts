import type { KernelCalls, Opened, PinnedNamespace } from "./kernel.ts";
import type { HeldNamespace } from "./namespaces.ts";
import type { Pins } from "./pins.ts";
import { readDevices } from "./reader.ts";

/** What looking into a namespace takes; see {@link KernelCalls}. */
export interface Opening {
  openPath(path: string): Opened;
  close: KernelCalls["close"];
  /** A namespace that is held. */
  get(cookie: string): HeldNamespace;
}

/** Takes hold of the namespace of this cookie by the first of `paths` that leads to it. */
export function openByCookie(opening: Opening, cookie: string, paths: Iterable<string>): Opened {
  for (const path of paths) {
    const opened = opening.openPath(path);
    if (!opened.ok) continue;
    if (opened.cookie === cookie) return opened;
    opening.close(opened.cookie);
  }
  const message = `nothing leads to namespace ${cookie}`;
  return { ok: false, problem: { code: "namespace-gone", message, device: null } };
}

/** What is pinned, those of `known` aside, and looked into. */
export function lookIntoPins(opening: Opening, pins: Pins, known: readonly string[]): PinnedNamespace[] {
  const cookies = pins.list().filter((cookie) => !known.includes(cookie));
  return cookies.map((cookie) => {
    const path = pins.path(cookie);
    const opened = opening.openPath(path);
    if (!opened.ok) return { path, devices: [] };
    const devices = readDevices(opening.get(opened.cookie).connection).map(({ name }) => name);
    opening.close(opened.cookie);
    return { path, devices: devices.filter((name) => name !== "lo") };
  });
}
