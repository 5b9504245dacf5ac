import type { AttachedDeviceState, Attachment, AttachmentState } from "../domain/attachment.ts";
import type { Buckets, Family, Sample } from "./exposition.ts";
import type { Status } from "./status.ts";

/** What the process takes of the system. */
export interface ProcessFacts {
  /** When it started: CLOCK_REALTIME, seconds. */
  readonly startTime: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly openFds: number;
  readonly maxFds: number;
}

/** What the daemon knows, and {@link metricsOf} makes families of. */
export interface MetricsFacts {
  readonly status: Status;
  readonly attachments: readonly Attachment[];
  readonly commit: string | null;
  readonly bun: string;
  /** Kinds of faults that `/readyz` has a reason from, and whether each is there. */
  readonly faults: Readonly<Record<string, boolean>>;
  /** Lines of the log since the start, by level. */
  readonly logLines: Readonly<Record<string, number>>;
  /** From when an event was taken to its answer "attached", seconds; of those that waited for no device. */
  readonly attach: Buckets;
  /** From when a container's devices began to come home until all were there, seconds. */
  readonly homecoming: Buckets;
  /** Of `/v1/events`: how many there are, and how many were dropped since the start. */
  readonly readers: number;
  readonly dropped: number;
  readonly process: ProcessFacts;
}

const CONTAINER_STATES = [
  "pending",
  "attaching",
  "attached",
  "returning",
  "stuck",
] as const satisfies readonly AttachmentState[];
/** One that is home is nobody's concern any more. */
const DEVICE_STATES = [
  "moving",
  "inside",
  "returning",
  "stuck",
] as const satisfies readonly AttachedDeviceState[];

/**
 * What `/metrics` tells. No label is a container's or a device's: their number has no bound. A mapping has all states
 * from the start, so that an alert finds a zero before it finds a one.
 */
export function metricsOf(facts: MetricsFacts): Family[] {
  const { status, process } = facts;
  return [
    gauge("netdevd_build_info", "Always 1; which netdevd this is.", [
      { labels: { version: status.version, commit: facts.commit ?? "", bun: facts.bun }, value: 1 },
    ]),
    gauge("netdevd_ready", "1 while /readyz is 200, 0 while it has reasons not to be.", [
      plain(status.state === "ready"),
    ]),
    gauge(
      "netdevd_fault",
      "1 while /readyz has a reason of this kind: config (the last reload was refused), journal (it cannot be written), spool (it cannot be used), stray (a thread is in a container's namespace).",
      Object.entries(facts.faults).map(([kind, holds]) => ({ labels: { kind }, value: Number(holds) })),
    ),
    gauge(
      "netdevd_containers",
      "Containers that devices are held for, or that wait for some, as the status has them.",
      byMapping(status.config.mappings, CONTAINER_STATES, status.containers),
    ),
    gauge(
      "netdevd_devices",
      "Devices that are not at home, or not known to be, by where they are.",
      byMapping(
        status.config.mappings,
        DEVICE_STATES,
        facts.attachments.flatMap(({ mapping, devices }) => devices.map(({ state }) => ({ mapping, state }))),
      ),
    ),
    counter(
      "netdevd_events_total",
      "Events answered since the start.",
      Object.entries(status.counters).map(([outcome, value]) => ({ labels: { outcome }, value })),
    ),
    histogram(
      "netdevd_attach_duration_seconds",
      'From when an event was taken to its answer "attached"; of those that waited for no device.',
      facts.attach,
    ),
    histogram(
      "netdevd_return_duration_seconds",
      "From when a container's devices began to come home until all were there, what was stuck meanwhile included.",
      facts.homecoming,
    ),
    gauge("netdevd_config_mappings", "Mappings in force.", [plain(status.config.mappings.length)]),
    gauge(
      "netdevd_config_last_reload_successful",
      "0 while the newest config was refused and an older one is in force.",
      [plain(facts.faults.config !== true)],
    ),
    gauge("netdevd_config_last_reload_success_timestamp_seconds", "When the config in force was taken.", [
      plain(Date.parse(status.config.loaded_at) / 1000),
    ]),
    counter(
      "netdevd_log_messages_total",
      "Lines of the log since the start.",
      Object.entries(facts.logLines).map(([level, value]) => ({ labels: { level }, value })),
    ),
    gauge("netdevd_event_readers", "Readers of /v1/events.", [plain(facts.readers)]),
    counter("netdevd_event_readers_dropped_total", "Readers of /v1/events that did not keep up.", [
      plain(facts.dropped),
    ]),
    counter("process_cpu_seconds_total", "User and system CPU time.", [plain(process.cpuSeconds)]),
    gauge("process_resident_memory_bytes", "Resident memory.", [plain(process.residentBytes)]),
    gauge("process_open_fds", "Open file descriptors.", [plain(process.openFds)]),
    gauge("process_max_fds", "Most file descriptors that may be open.", [plain(process.maxFds)]),
    gauge("process_start_time_seconds", "When the process started, since the epoch.", [
      plain(process.startTime),
    ]),
  ];
}

/** How often each state is there under each mapping: those in force, and those that something is still held under. */
function byMapping(
  inForce: readonly string[],
  states: readonly string[],
  seen: readonly { readonly mapping: string; readonly state: string }[],
): Sample[] {
  const mappings = new Set([...inForce, ...seen.map(({ mapping }) => mapping)]);
  const counts = new Map<string, Map<string, number>>();
  for (const mapping of mappings) counts.set(mapping, new Map(states.map((state) => [state, 0])));
  for (const { mapping, state } of seen) {
    const own = counts.get(mapping);
    const count = own?.get(state);
    if (count !== undefined) own?.set(state, count + 1);
  }
  return Array.from(counts).flatMap(([mapping, own]) =>
    Array.from(own, ([state, value]) => ({ labels: { mapping, state }, value })),
  );
}

function plain(value: number | boolean): Sample {
  return { labels: {}, value: Number(value) };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { type: "gauge", name, help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { type: "counter", name, help, samples };
}

function histogram(name: string, help: string, buckets: Buckets): Family {
  return { type: "histogram", name, help, buckets };
}
