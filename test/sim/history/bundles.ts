import type { BundleRead } from "../../../src/domain/net-devices.ts";
import type { Bundles } from "../../../src/engine/asked.ts";
import { pick, type Random } from "../model/random.ts";

const asks = (devices: Readonly<Record<string, string | null>>): BundleRead => ({
  ok: true,
  netDevices: Object.entries(devices).map(([hostName, name]) => ({ hostName, name })),
});

/**
 * What bundles ask for, by their folder: what other bundles ask for as well, and what mappings do, under names that these
 * give away or that containers make for themselves.
 */
const GIVEN: Readonly<Record<string, BundleRead>> = {
  "/b/d0": asks({ d0: null }),
  "/b/first-two": asks({ d0: null, d1: null }),
  "/b/eth0": asks({ d0: "eth0" }),
  "/b/numbered": asks({ d0: "net%d", d1: "net%d" }),
  "/b/two": asks({ d1: null, d2: "eth1" }),
  "/b/others-name": asks({ d2: "eth1", d3: "d0" }),
  "/b/secret": asks({ d1: null, eth0: "eth1" }),
  "/b/nothing": asks({}),
  "/b/broken": { ok: false, problem: { code: "bundle-invalid", message: "it is torn", device: null } },
};

/** What may be asked for, as the config says it at first and when it is reloaded. */
export const ALLOW: {
  readonly first: readonly string[];
  readonly any: readonly (readonly string[] | null)[];
} = {
  first: ["d?"],
  any: [["d?"], ["d?"], ["*"], ["d0", "d2"], [], null],
};

const FOLDERS: readonly string[] = Object.keys(GIVEN);
/** Those that ask for more than others do are of more use. */
const USEFUL = FOLDERS.slice(0, 6);

/** The bundle of a container: of one that no mapping is for, too. */
export function anyBundle(random: Random, isAlone: boolean): string {
  return pick(random, isAlone ? [...USEFUL, ...FOLDERS] : [...FOLDERS, ...FOLDERS.map(() => "/b")]);
}

/** What a bundle asks for under which name inside. */
export function askedBy(
  bundle: string,
): readonly { readonly hostName: string; readonly name: string | null }[] {
  const read = GIVEN[bundle];
  return read?.ok === true ? read.netDevices : [];
}

/** Where a daemon reads them. */
export function bundlesOf(allow: () => readonly string[] | null): Bundles {
  return { allow, read: (bundle) => GIVEN[bundle] ?? asks({}) };
}
