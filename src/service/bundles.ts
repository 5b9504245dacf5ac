import fs from "node:fs";
import type { Config } from "../config/config.ts";
import type { Bundles } from "../engine/asked.ts";
import { readBundle } from "../spool/bundle.ts";

/** Bundles on disk, and what they may ask for by the config in force. */
export function bundlesBy(inForce: () => Config): Bundles {
  return {
    allow() {
      const { netDevices, allow } = inForce().oci;
      return netDevices ? allow : null;
    },
    read: (bundle) => readBundle(fs, bundle),
  };
}
