import { test as bunTest } from "bun:test";

/** Every wait inside a test ends before this, with words that say what was waited for. Milliseconds. */
const TIMEOUT = 30_000;

/** `test` of bun:test with the time that real processes, devices and namespaces may need on a busy machine. */
export function test(name: string, body: () => Promise<void>, timeout = TIMEOUT): void {
  bunTest(
    name,
    async () => {
      try {
        await body();
      } catch (error) {
        throw unfolded(error);
      }
    },
    timeout,
  );
}

/** What failed first; that the clean-up behind it failed too is told beside it, where bun:test would tell neither. */
export function unfolded(error: unknown): unknown {
  if (!(error instanceof SuppressedError)) return error;
  console.error(
    `the clean-up failed as well: ${error.error instanceof Error ? error.error.message : error.error}`,
  );
  return unfolded(error.suppressed);
}
