import type { Config } from "../config/config.ts";
import { addressText } from "../domain/address.ts";
import type {
  AttachedDevice,
  AttachedDeviceState,
  Attachment,
  AttachmentState,
  Holder,
} from "../domain/attachment.ts";
import { NET_DEVICES } from "../domain/net-devices.ts";
import type { Problem } from "../domain/verdict.ts";
import type { Waiting } from "../domain/waiting.ts";
import type { WayHomeEnd } from "../domain/way-home.ts";

/** `degraded`: a reason of `/readyz` holds; `stopping`: a signal came, and events are no longer taken. */
export type DaemonState = "ready" | "degraded" | "stopping";

/** The config as far as a reader of the status needs it. */
export interface StatusConfig {
  /** The main file. */
  readonly file: string;
  /** When this config was taken over, ISO 8601. */
  readonly loaded_at: string;
  readonly spool: string;
  readonly results: string;
  readonly state: string;
  /** Names, in the order in which they are tried. */
  readonly mappings: readonly string[];
}

/** One device of a container. */
export interface StatusDevice {
  /** Its name at home. */
  readonly host_name: string;
  /** Its name inside. */
  readonly name: string;
  /** Inside; the host's for as long as the device has not been seen there. */
  readonly ifindex: number;
  /** Inside; null where the device has no link-layer address. */
  readonly mac: string | null;
  /** Inside, bytes. */
  readonly mtu: number;
  /** Inside, as `ip addr` writes them. */
  readonly addresses: readonly string[];
  readonly state: AttachedDeviceState;
}

/** One container that devices are held for. Those that share a namespace share its devices. */
export interface StatusContainer {
  readonly id: string;
  /** null where the event named a path. */
  readonly pid: number | null;
  /** The path that the event named; null where it named a pid. */
  readonly netns: string | null;
  readonly mapping: string;
  readonly state: AttachmentState;
  /** ISO 8601. */
  readonly since: string;
  readonly devices: readonly StatusDevice[];
  readonly warnings: readonly Problem[];
  readonly error: Problem | null;
}

/** One device that came home, or is no more. */
export interface StatusHomecoming extends WayHomeEnd {
  /** ISO 8601. */
  readonly at: string;
}

/** What `/v1/status` and `netdevd status --json` tell. */
export interface Status {
  readonly version: string;
  readonly state: DaemonState;
  readonly config: StatusConfig;
  /** Oldest attachment first, then those that wait. A container leaves the list when its devices are home. */
  readonly containers: readonly StatusContainer[];
  /** Since the daemon's start. */
  readonly counters: Readonly<Record<string, number>>;
  /** The latest since the daemon's start, newest last: what could not be put back is told here too. */
  readonly history: readonly StatusHomecoming[];
}

/** How many of those that came home a person is told of; `history` has more. */
const LATEST = 5;

/** The latest for a person, newest last: those that lack something, or are no more. */
export function notAsTheyWere({ history }: Status): readonly StatusHomecoming[] {
  return history.filter(({ warnings }) => warnings.length > 0).slice(-LATEST);
}

/** A {@link WayHomeEnd} that was. */
export interface PastHomecoming extends WayHomeEnd {
  /** CLOCK_REALTIME, milliseconds. */
  readonly at: number;
}

/** What the daemon knows, and {@link statusOf} makes a {@link Status} of. */
export interface StatusFacts {
  readonly version: string;
  readonly state: DaemonState;
  readonly config: Config;
  /** The main file that `config` was read from. */
  readonly configFile: string;
  /** When it was taken over: CLOCK_REALTIME, milliseconds. */
  readonly configLoadedAt: number;
  readonly attachments: readonly Attachment[];
  readonly waiting: readonly Waiting[];
  readonly counters: Readonly<Record<string, number>>;
  /** Newest last. */
  readonly history: readonly PastHomecoming[];
}

/** The status of a daemon; a container is listed once for each holder. */
export function statusOf(facts: StatusFacts): Status {
  const { spool, results, state } = facts.config.daemon;
  return {
    version: facts.version,
    state: facts.state,
    config: {
      file: facts.configFile,
      loaded_at: iso8601(facts.configLoadedAt),
      spool,
      results,
      state,
      mappings: facts.config.mappings.map((mapping) => mapping.name),
    },
    containers: [
      ...containersOf(facts.attachments.toSorted((a, b) => a.key - b.key)),
      ...facts.waiting.map(waitingContainer),
    ],
    counters: facts.counters,
    history: facts.history.map((past) => ({ ...past, at: iso8601(past.at) })),
  };
}

/** In a pod a container may hold what it shares, and by itself what its bundle asks for: it is one all the same. */
function containersOf(attachments: readonly Attachment[]): StatusContainer[] {
  const containers: StatusContainer[] = [];
  const places = new Map<string, number>();
  for (const attachment of attachments) {
    for (const holder of attachment.holders) {
      const key = `${attachment.cookie} ${holder.id}`;
      const told = containerOf(attachment, holder);
      const at = places.get(key) ?? containers.length;
      const before = containers[at];
      if (before !== undefined && isOneWith(before, told)) containers[at] = together(before, told);
      else places.set(key, containers.push(told) - 1);
    }
  }
  return containers;
}

function isOneWith({ mapping }: StatusContainer, other: StatusContainer): boolean {
  return mapping === NET_DEVICES || other.mapping === NET_DEVICES;
}

function containerOf(attachment: Attachment, { id, pid, path }: Holder): StatusContainer {
  const { mapping, warnings, error } = attachment;
  const state = stateOf(attachment);
  const since = iso8601(attachment.since);
  const devices = attachment.devices.map(deviceOf);
  return { id, pid, netns: path, mapping, state, since, devices, warnings, error };
}

/** The first that holds is the state of all. */
const STATES: readonly AttachmentState[] = ["stuck", "returning", "attaching", "pending", "attached"];

function together(one: StatusContainer, other: StatusContainer): StatusContainer {
  return {
    ...one,
    mapping: one.mapping === NET_DEVICES ? other.mapping : one.mapping,
    state: STATES.find((state) => state === one.state || state === other.state) ?? one.state,
    devices: [...one.devices, ...other.devices],
    warnings: [...one.warnings, ...other.warnings],
    error: one.error ?? other.error,
  };
}

/** The state to be told: on record is what it was when it could last be looked at. */
export function stateOf({ state, error }: Attachment): AttachmentState {
  return error?.code === "stuck" ? "stuck" : state;
}

/** What it waits for is told as a warning: it may come. */
function waitingContainer({ holder, mapping, since, lacks }: Waiting): StatusContainer {
  const { id, pid, path } = holder;
  const nothing = { devices: [], error: null };
  return {
    id,
    pid,
    netns: path,
    mapping,
    state: "pending",
    since: iso8601(since),
    ...nothing,
    warnings: [lacks],
  };
}

function deviceOf({ snapshot, wanted, state, insideIfindex }: AttachedDevice): StatusDevice {
  const { name, mac, mtu } = wanted.device;
  const home = snapshot.device;
  return {
    host_name: home.name,
    name,
    ifindex: state === "home" ? home.ifindex : (insideIfindex ?? home.ifindex),
    mac,
    mtu,
    addresses: wanted.addresses.map(addressText),
    state,
  };
}

function iso8601(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
