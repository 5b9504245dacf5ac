import { moveInto } from "./discard.ts";
import { errnoName, type Files, isShortage, kernelWords } from "./files.ts";
import { type Refusal, refusal } from "./refusal.ts";
import type { EventName } from "./scan.ts";

/**
 * Takes `event` out of the spool by renaming it into the folder `claimed`.
 *
 * "gone": someone else took it away first, which is no error. A Refusal: this one file cannot be moved, and
 * is where it was. Throws where the machine is short of something ({@link isShortage}).
 */
export function claim(files: Files, event: EventName, claimed: string): "claimed" | "gone" | Refusal {
  try {
    moveInto(files, event.path, claimed, event.name);
    return "claimed";
  } catch (error) {
    const errno = errnoName(error);
    if (errno === "ENOENT") return "gone";
    if (errno === null || isShortage(error)) throw error;
    return refusal(null, `the file cannot be claimed: ${kernelWords(error)}`);
  }
}
