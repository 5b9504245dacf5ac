import type { BundleRead } from "../domain/net-devices.ts";
import { readBounded } from "./bounded-read.ts";
import { parseNetDevices, refused } from "./bundle-file.ts";
import { isAbsolutePath } from "./event-file.ts";
import { type Files, kernelWords } from "./files.ts";
import { refusal } from "./refusal.ts";
import { quoted } from "./schema-refusal.ts";

/** Those of runtimes have some 100 KB at most. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * What the `config.json` in the folder `bundle` asks for. Whoever may write there is not trusted: the file is a regular
 * one and no link, is not waited for, and bounded. A runtime may name a bundle that is none, or none that is seen here:
 * where there is no file, nothing is asked for.
 */
export function readBundle(files: Files, bundle: string): BundleRead {
  const file = `${bundle.replace(/\/+$/, "")}/config.json`;
  if (!isAbsolutePath(file)) {
    return refused(quoted(bundle), refusal(null, "expected the absolute path of a bundle"));
  }
  try {
    const read = readBounded(files, file, MAX_BYTES);
    if (read === "gone") return { ok: true, netDevices: [] };
    return read.type === "bytes" ? parseNetDevices(file, read.bytes) : refused(file, read);
  } catch (error) {
    const message = `${file} cannot be read now: ${kernelWords(error)}`;
    return { ok: false, problem: { code: "system-error", message, device: null } };
  }
}
