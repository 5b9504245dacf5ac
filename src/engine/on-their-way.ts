import type { AttachedDevice, Attachment } from "../domain/attachment.ts";
import type { Device } from "../domain/device.ts";

/** What devices that are being moved into a namespace are to be there: their names are taken already. */
export function onTheirWay(attachments: readonly Attachment[], except?: AttachedDevice): Device[] {
  return attachments.flatMap(({ devices }) =>
    devices
      .filter((device) => device.state === "moving" && device !== except)
      .map(({ wanted }) => wanted.device),
  );
}
