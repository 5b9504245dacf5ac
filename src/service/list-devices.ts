import type { Config } from "../config/config.ts";
import { readJournal } from "../engine/journal.ts";
import { KernelService } from "../engine/kernel-service.ts";
import { createLinux } from "../engine/linux.ts";
import { devicesOf, type ListedDevice } from "../http/devices.ts";

/** The host's devices, looked at on the calling thread, with a daemon beside it or without. */
export function listDevices(config: Config): readonly ListedDevice[] {
  using service = new KernelService(createLinux(), () => undefined);
  const attachments = readJournal(config.daemon.state);
  const away = attachments.flatMap(({ devices }) => devices.map(({ snapshot }) => snapshot.device));
  return devicesOf(service.inventory(away), attachments);
}
