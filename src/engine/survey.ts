import type { PassedOver, Pick } from "../domain/attach-plan.ts";
import { type Device, identityOf, isHardware, mayBe } from "../domain/device.ts";
import type { Guard } from "../domain/guard.ts";
import type { DeviceRequest } from "../domain/mapping.ts";
import { selected } from "../domain/match.ts";
import { withoutKernelRoutes } from "../domain/routes.ts";
import type { Snapshot } from "../domain/snapshot.ts";
import { endsWithLower, lowerOf } from "../domain/stack.ts";
import { withAltnames } from "./altnames.ts";
import { EVERYTHING } from "./aspects.ts";
import type { Left } from "./device-table.ts";
import { guardsOf } from "./guards.ts";
import { candidates, type HardwareReader } from "./hardware.ts";
import type { Surveyed } from "./kernel.ts";
import { lossesOf } from "./losses.ts";
import { movedAlready } from "./moved-already.ts";
import { multicastCache } from "./multicasts-reader.ts";
import { type Ground, readDevices, readSnapshot } from "./reader.ts";
import { routeCache } from "./routes-reader.ts";
import { ruleCache } from "./rules-reader.ts";

/** What a survey is asked. */
export interface SurveyQuery {
  readonly requests: readonly DeviceRequest[];
  /** ifindexes at home that belong to another attachment which is under way. */
  readonly reserved: readonly number[];
  /** Devices of home that are in containers: what they are built on carries them all the same. */
  readonly away: readonly Device[];
  /** Some mapping goes by driver or bus: what they tell of a device is noted, to know it by while it is away. */
  readonly noteHardware: boolean;
  /** Whether it is to be told what each selector sees, and what the host is without; for whoever only asks. */
  readonly tellAll?: boolean;
  /** What udev is not done with has not come yet: whoever waits can wait for that too. */
  readonly patient?: boolean;
}

/** What a survey needs of the host. */
export interface Host {
  readonly ground: Ground;
  readonly devices: ReadonlyMap<number, Device>;
  readonly hardware: HardwareReader;
  /** The container's namespace; null: it cannot be looked at. */
  readonly inside: Ground | null;
  /** The last device of a name that has left home. */
  left(name: string): Left | null;
  now(): number;
}

/**
 * Finds for each request the devices that are free and not guarded, with a Snapshot of each; and what is inside already.
 */
export function survey(host: Host, query: SurveyQuery): Surveyed {
  const { inside, now } = host;
  const there = inside === null ? [] : readDevices(inside.connection);
  const picks = pick(host, query).map((found): Pick => {
    const { netDevice } = found.request;
    if (inside === null || netDevice === undefined || found.chosen.length + found.passedOver.length > 0)
      return found;
    const moved = movedAlready(found.request, host.left(netDevice), inside, now());
    return moved === null ? found : { ...found, moved };
  });
  return { picks, inside: there };
}

function pick(host: Host, query: SurveyQuery): Pick[] {
  const reserved = new Set(query.reserved);
  const ours = new Map<number, Device>();
  const wishes = query.requests.map((request) => {
    const devices = withAltnames(host.ground.connection, host.devices, request.match);
    return { request, matching: selected(request.match, candidates({ ...host, devices }, request.match)) };
  });
  const away = [...query.away, ...wishes.flatMap(boundToGo)];
  const routes = routeCache(host.ground.connection);
  const rules = ruleCache(host.ground.connection);
  const multicasts = multicastCache(host.ground.files);
  const guards = guardsOf(host.ground.connection, host.devices, away, routes);
  return wishes.map(({ request, matching }) => {
    const chosen: Snapshot[] = [];
    const passedOver: PassedOver[] = [];
    const losses: string[][] = [];
    const seen = query.tellAll
      ? matching.map((device) => ({ name: device.name, guards: guards.all(device) }))
      : undefined;
    for (const device of matching) {
      if (request.count !== "all" && chosen.length === request.count) break;
      if (reserved.has(device.ifindex)) continue;
      const owned = onRecord(device, query.away);
      if (owned !== undefined) {
        if (owned.name !== device.name) passedOver.push(fallenHome(device, owned));
        continue;
      }
      if (ours.has(device.ifindex)) {
        passedOver.push(takenBefore(device));
        continue;
      }
      const lifeline = endsWithLower(device) ? ofAny(lowerOf(device), ours) : undefined;
      if (lifeline !== undefined) {
        passedOver.push(endingWith(device, lifeline));
        continue;
      }
      const guard = guards.first(device, request.force);
      if (guard !== null) {
        passedOver.push(guarded(device, guard, request));
        continue;
      }
      if (query.patient && request.netDevice === undefined && !host.hardware.isSetUp(device)) {
        passedOver.push(stillComing(device));
        continue;
      }
      const snapshot = readSnapshot(
        { ...host.ground, routes, rules, multicasts },
        device.ifindex,
        host.now(),
        EVERYTHING,
      );
      // Gone, or renamed to something that was not asked for, since the table was brought up to date.
      if (snapshot === null || snapshot.device.name !== device.name) continue;
      ours.set(device.ifindex, device);
      away.push(device);
      if (query.tellAll)
        losses.push(lossesOf(device, { devices: host.devices.values(), hardware: host.hardware, guards }));
      const noted = device.hardware ?? (query.noteHardware ? host.hardware.all(device) : undefined);
      const kept = withoutKernelRoutes(snapshot);
      chosen.push(noted === undefined ? kept : { ...kept, device: { ...kept.device, hardware: noted } });
    }
    return { request, chosen, passedOver, losses, ...(seen === undefined ? {} : { seen }) };
  });
}

function takenBefore({ name }: Device): PassedOver {
  const message = `${name} is taken by another entry of the same mapping`;
  return { name, problem: { code: "too-few-devices", message, device: name } };
}

/**
 * Hardware that has fallen home, and is still on record as inside: it is led home before anybody else has it. What
 * has no MAC burnt in is not told by its place: all ports of a switch may have the same.
 */
function onRecord(device: Device, away: readonly Device[]): Device | undefined {
  const { permanentMac } = device;
  if (permanentMac === null || !isHardware(identityOf(device, null))) return undefined;
  return away.find(
    (other) => other.permanentMac === permanentMac && mayBe(identityOf(other, null), device, false),
  );
}

/** Under its own name it is told of by whom it is held. */
function fallenHome({ name }: Device, owned: Device): PassedOver {
  const message = `${name} is ${owned.name}, which a container has lost: it is led home first`;
  return { name, problem: { code: "device-held", message, device: name } };
}

/** What is to go whatever else is chosen, and would be destroyed if what it is built on went before. */
function boundToGo({ request, matching }: { request: DeviceRequest; matching: readonly Device[] }): Device[] {
  return request.count === "all" ? matching.filter(endsWithLower) : [];
}

function ofAny(ifindexes: ReadonlySet<number>, devices: ReadonlyMap<number, Device>): Device | undefined {
  return Array.from(devices.values()).find(({ ifindex }) => ifindexes.has(ifindex));
}

function endingWith({ name, kind }: Device, lower: Device): PassedOver {
  const message = `${name} is not given away: it is built on ${lower.name}, which the same mapping takes, and a ${kind} is destroyed when that leaves`;
  return { name, problem: { code: "device-guarded", message, device: name } };
}

function stillComing({ name }: Device): PassedOver {
  const message = `${name} has just come, and udev is not done with it`;
  return { name, problem: { code: "device-missing", message, device: name }, isComing: true };
}

function guarded(device: Device, guard: Guard, { netDevice }: DeviceRequest): PassedOver {
  const where = netDevice === undefined ? "in its table" : "in a mapping for it";
  const mend = guard.liftable ? `; \`force = true\` ${where} takes it all the same` : "";
  const message = `${device.name} is not given away: it ${guard.reason}${mend}`;
  return { name: device.name, problem: { code: "device-guarded", message, device: device.name } };
}
