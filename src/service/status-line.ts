import type { Attachment } from "../domain/attachment.ts";

/**
 * How things are in one line for a person who asks `systemctl status`.
 *
 * @param reasons what is wrong, if anything is; see `Health`
 */
export function statusLine(
  attachments: readonly Attachment[],
  mappings: number,
  reasons: readonly string[],
): string {
  const containers = new Set(attachments.flatMap(({ holders }) => holders.map(({ id }) => id))).size;
  const devices = attachments.flatMap((one) => one.devices.filter(({ state }) => state !== "home")).length;
  const [first, ...others] = reasons;
  const held =
    devices === 0
      ? "no device is away"
      : `${counted(devices, "device")} of ${counted(containers, "container")} away`;
  const state = first === undefined ? "ready" : "degraded";
  const why =
    first === undefined ? "" : `; ${first}${others.length === 0 ? "" : ` (and ${others.length} more)`}`;
  return `${state}: ${counted(mappings, "mapping")}, ${held}${why}`;
}

/** "1 mapping", "2 mappings". */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
