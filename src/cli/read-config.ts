import type { Config } from "../config/config.ts";
import { diskFiles } from "../config/disk.ts";
import { formatFault } from "../config/fault.ts";
import { loadConfig } from "../config/load.ts";

/** The config of `file`, or null after every fault has been told on stderr. */
export async function readConfig(file: string): Promise<Config | null> {
  const result = await loadConfig(file, diskFiles);
  if (result.ok) return result.config;
  for (const fault of result.faults) console.error(formatFault(fault));
  return null;
}
