import { isSystemRefusal } from "./kernel.ts";

/**
 * Takes in what has changed at home when the monitor tells that something has. Where the kernel refuses to be
 * asked just now, nobody is waiting for the answer: whoever asks next has it asked again, and is told.
 */
export function notice(service: { refresh(): void }): void {
  try {
    service.refresh();
  } catch (error) {
    if (!isSystemRefusal(error)) throw error;
  }
}
