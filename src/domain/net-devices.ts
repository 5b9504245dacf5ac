import type { AttachedDevice, Attachment } from "./attachment.ts";
import { globMatches, literally } from "./glob.ts";
import { fitsName } from "./interface-name.ts";
import { type DeviceRequest, type Mapping, requestFor } from "./mapping.ts";
import type { Problem } from "./verdict.ts";

/** What devices that bundles ask for go by where a mapping has its name. No mapping can be called so. */
export const NET_DEVICES = "linux.netDevices";

/** A device that a bundle asks for: an entry of `linux.netDevices` (runtime-spec 1.3, config-linux.md). */
export interface NetDevice {
  /** The whole name and no pattern, whatever characters it has. */
  readonly hostName: string;
  /** Inside, or a template of it; null: the host's. */
  readonly name: string | null;
}

/** What `config.json` of a bundle asks for, in its order; or why it cannot be told. */
export type BundleRead =
  | { readonly ok: true; readonly netDevices: readonly NetDevice[] }
  | { readonly ok: false; readonly problem: Problem };

/** Why a bundle may not have what it asks for: `allow` has to have a pattern for each. null: it may. */
export function notAllowed(
  bundle: string,
  netDevices: readonly NetDevice[],
  allow: readonly string[],
): Problem | null {
  const names = netDevices.map(({ hostName }) => hostName);
  const refused = names.filter((name) => !allow.some((pattern) => globMatches(pattern, name)));
  const [device] = refused;
  if (device === undefined) return null;
  const missing = refused.map((name) => JSON.stringify(literally(name))).join(", ");
  const message = `the bundle ${bundle} asks for ${refused.join(", ")}, which no pattern of \`allow\` is for; to let bundles have it, add ${missing} to \`allow\` in [oci]`;
  return { code: "device-not-allowed", message, device };
}

/**
 * The mapping with what the bundle asks for behind what it asks for itself. A device that both name is asked for once,
 * as the mapping has it. null: nobody asks for any.
 */
export function withNetDevices(mapping: Mapping | null, netDevices: readonly NetDevice[]): Mapping | null {
  const named = new Set(mapping?.devices.map(({ match }) => match.name));
  const requests = netDevices.map(requestOf).filter(({ match }) => !named.has(match.name));
  if (mapping === null) return requests.length === 0 ? null : mappingOf(requests);
  return { ...mapping, devices: [...mapping.devices, ...requests] };
}

/** What of a mapping is in a namespace already. */
export interface Sharing {
  /** The Attachments that have it. */
  readonly shared: readonly Attachment[];
  /** What is left to be attached; null: nothing. */
  readonly rest: Mapping | null;
}

/**
 * What of `mapping`, for one more container of a namespace, is there for others: all that a mapping of this name asks for
 * itself, and each device that a bundle asks for and has there as it asks for it, or as the host's owner wants it.
 *
 * @param there the Attachments of the namespace
 */
export function sharing(mapping: Mapping, there: readonly Attachment[]): Sharing {
  const named = there.find((one) => one.mapping === mapping.name && one.mapping !== NET_DEVICES);
  const shared = new Set(named === undefined ? [] : [named]);
  const rest: DeviceRequest[] = [];
  for (const request of mapping.devices) {
    if (request.netDevice === undefined) {
      if (named === undefined) rest.push(request);
      continue;
    }
    const holder = there.find(({ devices }) => devices.some((device) => isIt(request, device)));
    if (holder === undefined) rest.push(request);
    else shared.add(holder);
  }
  const left = named === undefined ? { ...mapping, devices: rest } : mappingOf(rest);
  return { shared: Array.from(shared), rest: rest.length === 0 ? null : left };
}

function isIt({ netDevice, name }: DeviceRequest, { snapshot, wanted, state, ofBundle }: AttachedDevice) {
  if (snapshot.device.name !== netDevice || state === "home") return false;
  return ofBundle === undefined || fitsName(name ?? netDevice, wanted.device.name);
}

/** For a bundle alone: a mapping that says nothing but which devices. */
function mappingOf(devices: readonly DeviceRequest[]): Mapping {
  const container = { id: null, annotations: {}, bundle: null };
  return { name: NET_DEVICES, container, devices, required: true, wait: 0, onExit: "return" };
}

function requestOf({ hostName, name }: NetDevice): DeviceRequest {
  return { ...requestFor(hostName), name, netDevice: hostName };
}
