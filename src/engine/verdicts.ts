import type { Attachment } from "../domain/attachment.ts";
import type { SpoolEvent } from "../domain/event.ts";
import type { Outcome, Problem, Verdict, VerdictDevice } from "../domain/verdict.ts";
import { KernelError } from "./kernel.ts";

/** A verdict with the members given and the others empty. */
export function verdict(
  event: SpoolEvent,
  outcome: Outcome,
  members: Partial<Pick<Verdict, "mapping" | "devices" | "warnings" | "error">> = {},
): Verdict {
  const nothing = { mapping: null, devices: [], warnings: [], error: null };
  return { event: event.name, id: event.id, outcome, ...nothing, ...members };
}

/** Nothing was touched, for this reason. */
export function refusal(event: SpoolEvent, error: Problem, mapping: string | null = null): Verdict {
  return verdict(event, "refused", { error, mapping });
}

/** What was thrown, as a verdict tells it: the system's refusal, or a fault of netdevd itself. */
export function thrown(error: unknown, device: string | null): Problem {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof KernelError ? "system-error" : "internal", message, device };
}

/** The devices of an Attachment as a verdict names them: where they are now, under the names they have there. */
export function verdictDevices(attachment: Attachment): VerdictDevice[] {
  return attachment.devices.map(({ snapshot, wanted, insideIfindex }) => ({
    host_name: snapshot.device.name,
    name: wanted.device.name,
    ifindex: insideIfindex ?? snapshot.device.ifindex,
  }));
}

/** The devices of an Attachment that has come home. */
export function homeDevices(attachment: Attachment): VerdictDevice[] {
  return attachment.devices.map(({ snapshot }) => ({
    host_name: snapshot.device.name,
    name: snapshot.device.name,
    ifindex: snapshot.device.ifindex,
  }));
}
