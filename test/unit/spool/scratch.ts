import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Where netdevd's own folders are: on tmpfs.
const ROOT = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A folder of one test's own, gone when the test is over. */
export class Scratch {
  readonly path = mkdtempSync(join(ROOT, "netdevd-spool-"));

  at(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What a file call throws. */
export function systemError(code: string, words: string): Error {
  return Object.assign(new Error(`${code}: ${words}, call '/path'`), { code });
}

/** Waits until `holds`, or fails after `limit` milliseconds. */
export async function until(holds: () => boolean, limit = 5000): Promise<void> {
  const end = performance.now() + limit;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not so after ${limit} ms: ${holds}`);
    await Bun.sleep(1);
  }
}
