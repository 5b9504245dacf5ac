import type { Log } from "../engine/log.ts";
import type { Notifier } from "./sd-notify.ts";

/** What is told to the service manager of a daemon. */
export interface Supervised {
  /** One line on how things are. */
  statusLine(): string;
  /** Resolves once every part has shown that it works: the kernel's thread and the journal; rejects where one does not. */
  prove(): Promise<void>;
}

/** Tells the service manager how a daemon is for as long as it runs. */
export interface Supervision extends Disposable {
  /** Something may have changed: the status line is told anew if it has. */
  changed(): void;
}

/** How often the status line is looked at where no watchdog asks for more. */
const LOOK_AGAIN_MS = 10_000;

/**
 * Feeds the watchdog only as long as the daemon does its work: this timer shows that the main loop turns, and
 * each meal waits for the answers of the kernel's thread and the journal. A part that hangs lets the watchdog
 * run out; the manager then ends and restarts the daemon, and nothing is lost by it.
 */
export function supervise(notifier: Notifier, supervised: Supervised, log: Log): Supervision {
  let told = "";
  let proving = false;
  let failing = false;

  function tell(error: Error | null): void {
    if (error !== null) log("warning", error.message, {});
  }

  function changed(): void {
    const line = supervised.statusLine();
    if (line === told) return;
    told = line;
    tell(notifier.status(line));
  }

  async function feed(): Promise<void> {
    if (proving) return;
    proving = true;
    try {
      await supervised.prove();
      failing = false;
      tell(notifier.watchdog());
    } catch (error) {
      if (!failing)
        log("error", `the watchdog is not fed: ${error instanceof Error ? error.message : error}`, {});
      failing = true;
    } finally {
      proving = false;
    }
  }

  const timer = setInterval(() => {
    changed();
    if (notifier.watchdogInterval !== null) void feed();
  }, notifier.watchdogInterval ?? LOOK_AGAIN_MS);
  return {
    changed,
    [Symbol.dispose]() {
      clearInterval(timer);
    },
  };
}
