import type { Config } from "../../config/config.ts";
import { nearest } from "../../config/nearest.ts";
import { addressText } from "../../domain/address.ts";
import { planAttach } from "../../domain/attach-plan.ts";
import type { Attachment } from "../../domain/attachment.ts";
import type { Device } from "../../domain/device.ts";
import { type Mapping, requestFor } from "../../domain/mapping.ts";
import { isKernelMade } from "../../domain/restorable.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { readJournal } from "../../engine/journal.ts";
import { KernelService } from "../../engine/kernel-service.ts";
import { createLinux } from "../../engine/linux.ts";
import { drillFolders } from "./left.ts";

/** A device that can be taken to a drill, or why it is not. */
export type Candidate =
  | {
      readonly ok: true;
      readonly device: Device;
      /** By which the engine takes it, and nothing else. */
      readonly mapping: Mapping;
      /** What the host is without meanwhile, and what else comes of that. */
      readonly losses: readonly string[];
      /** What will not come back, as far as that is known before. */
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

/** Looks at the device of a name or altname, as for a mapping that asks for it; touches nothing. */
export function candidateFor(config: Config, name: string, force: boolean): Candidate {
  const { state } = config.daemon;
  const held = readJournal(state);
  using service = new KernelService(createLinux(), () => undefined);
  const devices = service.devices();
  const device = devices.find((one) => one.name === name) ?? devices.find((one) => isCalled(one, name));
  const away = whyAway(state, held, name, device);
  if (away !== null) return refused(away);
  if (device === undefined) return refused(unknown(name, devices));
  const mapping = mappingOf(device.name, force);
  const { picks } = service.survey(null, {
    requests: mapping.devices,
    reserved: [],
    away: held.flatMap((one) => one.devices.map(({ snapshot }) => snapshot.device)),
    noteHardware: false,
    tellAll: true,
  });
  const [pick] = picks;
  const plan = planAttach(mapping, picks, []);
  if (pick === undefined || !plan.ok) {
    const guards = pick?.seen?.flatMap((seen) => seen.guards) ?? [];
    if (guards.length === 0) return refused(plan.ok ? unknown(name, devices) : plan.conflict.message);
    const reasons = guards.map(
      ({ reason, liftable }) => `it ${reason}${liftable ? " (`--force` takes it all the same)" : ""}`,
    );
    return refused(`${device.name} is not taken away: ${reasons.join("; ")}`);
  }
  return {
    ok: true,
    device,
    mapping,
    losses: [...pick.chosen.map(ownLoss), ...(pick.losses?.flat() ?? [])],
    warnings: plan.warnings.map(({ message }) => message),
  };
}

function ownLoss({ device, addresses, routes }: Snapshot): string {
  const what = [
    device.name,
    ...addresses.filter((one) => !isKernelMade(one, device)).map(addressText),
    ...(routes.length === 0
      ? []
      : [`${routes.length === 1 ? "one route" : `${routes.length} routes`} by it`]),
  ];
  return `the host is without ${what.join(", ")}`;
}

function refused(message: string): Candidate {
  return { ok: false, message };
}

function isCalled(device: Device, name: string): boolean {
  return device.name === name || device.altnames.includes(name);
}

/** Who has the device that is asked for; null: nobody. */
function whyAway(
  state: string,
  held: readonly Attachment[],
  name: string,
  atHome: Device | undefined,
): string | null {
  // One that has taken the name meanwhile is another one.
  const isIt = (device: Device) =>
    isCalled(device, name) && (atHome === undefined || atHome.ifindex === device.ifindex);
  for (const { holders, mapping, devices } of held) {
    if (!devices.some((one) => isIt(one.snapshot.device))) continue;
    const ids = holders.map(({ id }) => id);
    return `${name} is held for container ${ids.join(", ")} under mapping ${mapping}: \`netdevd release ${ids[0]}\` brings it home first`;
  }
  for (const { path, isLeft } of drillFolders(state)) {
    const there = readJournal(path).flatMap(({ devices }) => devices.map((one) => one.snapshot.device));
    if (!there.some(isIt)) continue;
    const mend = isLeft ? "`netdevd release --all` brings it home" : "it is under way";
    return `${name} is away in a drill, on record in ${path}: ${mend}`;
  }
  return null;
}

function unknown(name: string, devices: readonly Device[]): string {
  const names = devices.flatMap((one) => [one.name, ...one.altnames]);
  const near = nearest(name, names);
  const hint = near === undefined ? "" : `; the nearest of ${names.length} names is ${near}`;
  return `there is no device ${JSON.stringify(name)} on this host${hint}; \`netdevd devices\` lists all`;
}

/** As what a mapping says that has nothing but the device. */
function mappingOf(name: string, force: boolean): Mapping {
  return {
    name: "drill",
    container: { id: "*", annotations: {}, bundle: null },
    devices: [{ ...requestFor(name), force }],
    required: true,
    wait: 0,
    onExit: "return",
  };
}
