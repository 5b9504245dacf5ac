import type { Device } from "./device.ts";
import type { Guard } from "./guard.ts";
import { canGoAlong, insideOf } from "./inside.ts";
import { firstFree, interfaceNameFault, isTemplate } from "./interface-name.ts";
import type { DeviceRequest, Mapping } from "./mapping.ts";
import { loneNexthops, nexthopText } from "./nexthop-object.ts";
import { BR_STATE_DISABLED, vlanOptionsText, vlansWithOptions } from "./port.ts";
import { isRestorableQdisc, qdiscText } from "./qdisc.ts";
import { routeText } from "./route.ts";
import { whyNotRestorable } from "./routes.ts";
import { shortageOf } from "./shortage.ts";
import type { Snapshot } from "./snapshot.ts";
import { multicastText } from "./static-multicast.ts";
import type { Problem } from "./verdict.ts";

/** A device that a request asks for and that is not to be had. */
export interface PassedOver {
  readonly name: string;
  readonly problem: Problem;
  /** It will be to be had in a moment, and nothing will tell of that. */
  readonly isComing?: true;
}

/** A device that a selector sees, and all that guards it. */
export interface SeenDevice {
  readonly name: string;
  readonly guards: readonly Guard[];
}

/** What was found on the host for one request of a mapping. */
export interface Pick {
  readonly request: DeviceRequest;
  /** In the order in which they are taken; as many as asked for, or as there are. */
  readonly chosen: readonly Snapshot[];
  readonly passedOver: readonly PassedOver[];
  /** A bundle asks for it, and it is inside already: the container's runtime has moved it there, as OCI 1.3 has it. */
  readonly moved?: MovedDevice;
  /** As `moved`, as it seems: the name of one that is inside, of which nothing tells whether it is the one. */
  readonly namesake?: string;
  /** What the host is without while each of the chosen is away, where that was asked. */
  readonly losses?: readonly (readonly string[])[];
  /** All that the selector sees, in the order in which it would take them, where that was asked. */
  readonly seen?: readonly SeenDevice[];
}

/** A device that is inside though netdevd has not brought it there. */
export interface MovedDevice {
  /** What is known of how it was at home. */
  readonly snapshot: Snapshot;
  /** As it is inside. */
  readonly wanted: Snapshot;
  /** What it has got inside. */
  readonly ifindex: number;
}

/** One device of a plan to attach: where it starts from and what it shall be inside. */
export interface PlannedDevice {
  readonly request: DeviceRequest;
  readonly snapshot: Snapshot;
  readonly wanted: Snapshot;
  /** What it has got inside, where it is there already; left out: it is at home. */
  readonly ifindex?: number;
}

/** What an attach comes to: a plan, or the conflict for which nothing is touched. */
export type AttachPlan =
  | { readonly ok: true; readonly devices: readonly PlannedDevice[]; readonly warnings: readonly Problem[] }
  | {
      readonly ok: false;
      readonly conflict: Problem;
      /** It and all others that stand in the way, in the order of the mapping. */
      readonly conflicts: readonly Problem[];
    };

/**
 * Decides from what was found, before anything is touched, what each device shall be inside.
 *
 * @param inside the devices that are in the container's namespace already: their names and altnames are taken
 */
export function planAttach(mapping: Mapping, picks: readonly Pick[], inside: readonly Device[]): AttachPlan {
  const taken = namesOf(inside);
  const spokenFor = fixedNames(picks);
  const ours = new Set<string>();
  const devices: PlannedDevice[] = [];
  const warnings: Problem[] = [];
  const conflicts: Problem[] = [];
  for (const pick of picks) {
    const shortage = shortageOf(pick, picks);
    const isNeeded = mapping.required || pick.request.netDevice !== undefined;
    if (shortage !== null) (isNeeded ? conflicts : warnings).push(shortage);
    if (pick.namesake !== undefined) warnings.push(movedByRuntime(pick.request, pick.namesake, NOT_SEEN));
    if (pick.moved !== undefined) {
      devices.push({ request: pick.request, ...pick.moved });
      warnings.push(movedByRuntime(pick.request, pick.moved.wanted.device.name, WITHOUT_THE_REST));
    }
    for (const snapshot of pick.chosen) {
      const name = nameInside(pick.request, snapshot.device, [taken, ours, spokenFor]);
      const wanted = insideOf(pick.request, snapshot, name);
      const clash = nameConflict(wanted.device, snapshot.device, taken, ours);
      if (clash !== null) conflicts.push(clash);
      for (const own of [wanted.device.name, ...wanted.device.altnames]) ours.add(own);
      devices.push({ request: pick.request, snapshot, wanted });
      warnings.push(...leftBehind(pick.request, snapshot), ...notToComeBack(snapshot));
    }
  }
  const [conflict] = conflicts;
  if (conflict !== undefined) return { ok: false, conflict, conflicts };
  return { ok: true, devices, warnings };
}

/** Names and altnames, which are of one space. */
export function namesOf(devices: readonly Device[]): Set<string> {
  return new Set(devices.flatMap((device) => [device.name, ...device.altnames]));
}

const NOT_SEEN = "netdevd, which has not seen it leave, cannot bring it home";
const WITHOUT_THE_REST =
  "it comes home as it is now, under its own name and without what nobody has seen of it: routes, neighbours, sysctls, bridge and qdisc";

function movedByRuntime({ netDevice = "" }: DeviceRequest, name: string, what: string): Problem {
  const named = name === netDevice ? "" : `, called ${name}`;
  const message = `${netDevice} is inside already${named}: the container's runtime has moved it, and ${what}`;
  return { code: "moved-by-runtime", message, device: netDevice };
}

/** What the device will come home without, told before it goes. */
function notToComeBack(snapshot: Snapshot): Problem[] {
  const { device, qdisc, ingress, routes, daemonRoutes = 0, multicasts = [], port } = snapshot;
  const lost = [
    ...routes.filter((route) => whyNotRestorable(route) !== null).map((route) => `route ${routeText(route)}`),
    ...(daemonRoutes === 0 ? [] : [`${daemonRoutes} routes of routing daemons, which are too many to keep`]),
    ...loneNexthops(snapshot).map(nexthopText),
    ...multicasts.map(multicastText),
    ...(qdisc === null || isRestorableQdisc(qdisc) ? [] : [`qdisc ${qdiscText(qdisc)}`]),
    ...(ingress === null ? [] : [`ingress qdisc ${ingress} and its filters`]),
    ...(port?.settings.state === BR_STATE_DISABLED ? ["state disabled as a port of its bridge"] : []),
    ...vlansWithOptions(port).map(vlanOptionsText),
    // teamd's, by generic netlink; it sets them when it sees its port again.
    ...(device.slaveKind === "team" ? ["options as a port of its team (priority, queue_id, …)"] : []),
  ];
  return lost.map((what) => {
    const message = `${device.name} will come home without its ${what}: it is to be made again by whoever made it`;
    return { code: "not-as-wanted", message, device: device.name };
  });
}

/** Routes that were to be preserved inside, and cannot be. */
function leftBehind({ routes }: DeviceRequest, { routes: all, device }: Snapshot): Problem[] {
  if (routes !== "preserve") return [];
  return all
    .filter((route) => !canGoAlong(route))
    .map((route) => {
      const message = `${device.name} goes inside without its route ${routeText(route)}, which leaves by other devices as well or cannot be made again`;
      return { code: "not-as-wanted", message, device: device.name };
    });
}

/** What a device is to be called inside; a number for a pattern is in none of `taken`. */
export function nameInside(
  request: DeviceRequest,
  device: Device,
  taken: readonly ReadonlySet<string>[],
): string {
  if (request.name === null) return device.name;
  return isTemplate(request.name) ? firstFree(request.name, taken) : request.name;
}

/** Names that devices of the mapping are to have whatever is free: no number of a pattern may take one. */
function fixedNames(picks: readonly Pick[]): Set<string> {
  const names = picks.flatMap(({ request, chosen }) =>
    chosen.flatMap(({ device }) => {
      const name = request.name ?? device.name;
      return isTemplate(name) ? device.altnames : [name, ...device.altnames];
    }),
  );
  return new Set(names);
}

function nameConflict(
  wanted: Device,
  device: Device,
  taken: ReadonlySet<string>,
  ours: ReadonlySet<string>,
): Problem | null {
  const fault = interfaceNameFault(wanted.name, false);
  if (fault !== null) {
    const message = `${device.name} cannot be called "${wanted.name}" inside: the name ${fault}`;
    return { code: "name-invalid", message, device: device.name };
  }
  for (const name of [wanted.name, ...wanted.altnames]) {
    const what = name === wanted.name ? `the name "${name}"` : `its altname "${name}"`;
    if (taken.has(name)) {
      const mend = 'give it another `name`, or a pattern such as "net%d"';
      const message = `${device.name} cannot go inside: ${what} is taken there; ${mend}`;
      return { code: "name-taken", message, device: device.name };
    }
    if (ours.has(name)) {
      const message = `${device.name} cannot go inside: another device of the same container gets ${what}`;
      return { code: "same-name-twice", message, device: device.name };
    }
  }
  return null;
}
