import { DEFAULT_CONFIG } from "../../../src/config/config.ts";
import type { Address } from "../../../src/domain/address.ts";
import type { AttachedDevice, Attachment } from "../../../src/domain/attachment.ts";
import type { Device } from "../../../src/domain/device.ts";
import type { Mapping } from "../../../src/domain/mapping.ts";
import type { Snapshot } from "../../../src/domain/snapshot.ts";
import type { StatusFacts } from "../../../src/http/status.ts";
import { addressOf, deviceOf, snapshotOf } from "../domain/samples.ts";

/** ens4 at home. */
export const device: Device = deviceOf({ mac: "02:00:00:00:00:04" });

/** A permanent global address. */
export function address(local: string, prefixLength: number, peer: string | null = null): Address {
  return addressOf(`${local}/${prefixLength}`, { peer });
}

/** ens4 with what is changed of it. */
export function snapshot(changes: Partial<Device>, addresses: readonly Address[] = []): Snapshot {
  return snapshotOf({ ...device, ...changes }, ...addresses);
}

/** ens4, inside as eth1. */
export const attached: AttachedDevice = {
  snapshot: snapshot({}, [address("10.9.9.9", 8)]),
  wanted: snapshot({ name: "eth1", mtu: 9000, mac: "02:00:00:00:00:01" }, [
    address("192.168.0.1", 24),
    address("2001:db8::1", 64),
    address("10.0.0.1", 32, "10.0.0.2"),
  ]),
  settle: false,
  state: "inside",
  insideIfindex: 3,
  movedTo: null,
};

/** trainer-7, which has {@link attached}. */
export const attachment: Attachment = {
  key: 1,
  cookie: "4349",
  holders: [{ id: "trainer-7", pid: 4711, startTime: 99, path: null, ended: false }],
  mapping: "trainer",
  onExit: "return",
  state: "attached",
  since: Date.UTC(2026, 10, 23, 12, 34, 56, 789),
  event: "e.json",
  devices: [attached],
  warnings: [],
  error: null,
};

function mapping(name: string): Mapping {
  const container = { id: "*", annotations: {}, bundle: null };
  return { name, container, devices: [], required: true, wait: 0, onExit: "return" };
}

/** What a daemon of two mappings knows that holds these. */
export function facts(attachments: readonly Attachment[]): StatusFacts {
  return {
    version: "1.2.3",
    state: "ready",
    config: {
      ...DEFAULT_CONFIG,
      daemon: { spool: "/s/spool", results: "/s/results", state: "/s/state" },
      mappings: [mapping("trainer"), mapping("spare")],
    },
    configFile: "/etc/netdevd/netdevd.toml",
    configLoadedAt: 0,
    attachments,
    waiting: [],
    counters: { events: 12 },
    history: [],
  };
}
