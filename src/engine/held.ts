import type { PassedOver } from "../domain/attach-plan.ts";
import type { Attachment } from "../domain/attachment.ts";
import type { DeviceRequest } from "../domain/mapping.ts";
import { selects } from "../domain/match.ts";

/** Devices that a request would see at home, were they not another container's. */
export function heldFor(attachments: readonly Attachment[], request: DeviceRequest): PassedOver[] {
  return attachments.flatMap(({ devices, holders, mapping }) =>
    devices
      .filter(({ snapshot }) => selects(request.match, snapshot.device))
      .map(({ snapshot }) => {
        const { name } = snapshot.device;
        const ids = holders.map(({ id }) => id).join(", ");
        const message = `${name} is held by container ${ids} under mapping ${mapping}`;
        return { name, problem: { code: "device-held", message, device: name } };
      }),
  );
}
