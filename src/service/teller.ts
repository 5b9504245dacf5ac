import type { Attachment } from "../domain/attachment.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Waiting } from "../domain/waiting.ts";
import type { LogFields } from "../engine/log.ts";
import type { ContainerChange, Occurrence } from "../http/occurrence.ts";
import { stateOf } from "../http/status.ts";

/** Makes of what is seen of a daemon's parts what its readers are told. */
export interface Teller {
  answered(verdict: Verdict): void;
  /** See `RegistryChange`. */
  changed(before: Attachment | null, after: Attachment | null): void;
  warned(message: string, fields: LogFields): void;
  /** Those that wait now; each is told once for each thing that it waits for. */
  waiting(all: readonly Waiting[]): void;
  /** The reasons of `/readyz`, told when they have changed. */
  reasons(all: readonly string[]): void;
}

/** A teller that has told nothing yet. */
export function createTeller(tell: (occurrence: Occurrence) => void): Teller {
  let waits = new Set<string>();
  let reasons: readonly string[] | null = null;

  return {
    answered: (verdict) => tell({ type: verdict.outcome, ...verdict }),
    changed(before, after) {
      const now = after ?? before;
      if (now === null) return;
      const type = after === null ? endOf(now) : changeOf(before, after);
      if (type !== null) tell(containerChange(type, now));
    },
    warned(message, { code = null, container = null, device = null, mapping = null }) {
      tell({ type: "warning", message, code, container, device, mapping });
    },
    waiting(all) {
      const now = new Map(all.map((one) => [waitKey(one), one]));
      for (const [key, { holder, mapping, lacks }] of now) {
        if (waits.has(key)) continue;
        tell({ type: "pending", containers: [holder.id], mapping, devices: [], problem: lacks });
      }
      waits = new Set(now.keys());
    },
    reasons(all) {
      if (reasons !== null && Bun.deepEquals(reasons, all)) return;
      reasons = all;
      tell(all.length === 0 ? { type: "ready" } : { type: "degraded", reasons: all });
    },
  };
}

function waitKey({ holder, since, lacks }: Waiting): string {
  return JSON.stringify([holder.id, since, lacks.message]);
}

function endOf({ devices }: Attachment): "home" | "left-inside" {
  return devices.every(({ state }) => state === "home") ? "home" : "left-inside";
}

/** What is to be told of a change; null: nothing. */
function changeOf(before: Attachment | null, after: Attachment): ContainerChange["type"] | null {
  const [was, is] = [before === null ? null : stateOf(before), stateOf(after)];
  // What is stuck stays so for as long as it is tried again in vain, and is told once for each reason.
  if (is === was) return is === "stuck" && before?.error?.message !== after.error?.message ? "stuck" : null;
  // The answer to its event tells that it is attached.
  if (is === "attached") return was === "stuck" ? "adopted" : null;
  return is;
}

function containerChange(type: ContainerChange["type"], attachment: Attachment): ContainerChange {
  const devices = attachment.devices.map(({ snapshot, wanted, state }) => ({
    host_name: snapshot.device.name,
    name: wanted.device.name,
    state,
  }));
  return {
    type,
    containers: attachment.holders.map(({ id }) => id),
    mapping: attachment.mapping,
    devices,
    problem: type === "stuck" ? attachment.error : null,
  };
}
