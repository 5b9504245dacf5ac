import type { Mapping } from "../../../src/domain/mapping.ts";
import type { BundleRead } from "../../../src/domain/net-devices.ts";
import { type Daemon, type DaemonOptions, type Machine, startDaemon } from "../../sim/model/daemon.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import type { Process } from "../../sim/model/processes.ts";
import { attachEvent } from "./events.ts";
import { type Kind, machineWith } from "./host.ts";

/** What bundles ask for, by their folder: host names, with the name inside; or why that cannot be told. */
export type Given = Record<string, Readonly<Record<string, string | null>> | BundleRead>;

/** A host with bundles on it. */
export interface BundleScene {
  readonly machine: Machine;
  readonly before: ReturnType<typeof pictureOf>;
  /** Bundles that were read, in turn. */
  readonly read: readonly string[];
  /** Starts a daemon that reads the bundles; `allow` null: it does not. */
  start(
    mappings?: readonly Mapping[],
    allow?: readonly string[] | null,
    options?: Partial<DaemonOptions>,
  ): Promise<Daemon>;
}

/** A host with devices d0, d1, d2, of these kinds, and these bundles, which may change. */
export function sceneOf(given: Given, kinds: readonly Kind[] = ["veth", "ifb", "tap"]): BundleScene {
  const machine = machineWith(...kinds);
  const read: string[] = [];
  return {
    machine,
    before: pictureOf(machine.world, machine.home),
    read,
    start: (mappings = [], allow = ["*"], options = {}) =>
      startDaemon(machine, {
        mappings,
        bundles: {
          allow: () => allow,
          read(bundle) {
            read.push(bundle);
            const found = given[bundle] ?? {};
            return isRead(found) ? found : { ok: true, netDevices: Object.entries(found).map(netDevice) };
          },
        },
        ...options,
      }),
  };
}

function isRead(found: Given[string]): found is BundleRead {
  return found !== undefined && "ok" in found;
}

const netDevice = ([hostName, name]: [string, string | null]) => ({ hostName, name });

/** The event of a container whose bundle is `/ID`. */
export function bundleEvent(machine: Machine, id: string, process: Process, name = id) {
  return { ...attachEvent(machine, id, process, name), bundle: `/${id}` };
}

/** What is in a container's namespace. */
export function namesIn(machine: Machine, { namespace }: Process): string[] {
  return namespace === null ? [] : Object.keys(pictureOf(machine.world, namespace)).sort();
}
