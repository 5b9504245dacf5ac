/** How a datagram leaves: `sendUnixDatagram` of ffi/. Throws where it does not. */
export type SendDatagram = (path: string, data: Uint8Array<ArrayBuffer>, fds: readonly number[]) => void;

/** What the manager asked for in our environment (sd_notify(3), sd_watchdog_enabled(3)). */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The service manager could not be told. The daemon works without it: whoever gets this logs it. */
export class NotifyError extends Error {
  override readonly name = "NotifyError";
}

/**
 * Tells the service manager how the daemon is (sd_notify(3)). Every call does nothing where there is no
 * manager, and gives what went wrong back in place of throwing it; null: told, or nobody to tell.
 */
export interface Notifier {
  /** How often {@link watchdog} has to be called, milliseconds: half of what is allowed; null: never. */
  readonly watchdogInterval: number | null;
  /** The daemon takes events from now on. Also ends what {@link reloading} began. */
  ready(status: string): NotifyError | null;
  /** One line on how things are, for `systemctl status`. */
  status(status: string): NotifyError | null;
  /** @param monotonic CLOCK_MONOTONIC of now, microseconds: how the manager pairs it with its own signal */
  reloading(monotonic: bigint, status: string): NotifyError | null;
  stopping(status: string): NotifyError | null;
  /** A sign of life. */
  watchdog(): NotifyError | null;
  /**
   * Has the manager hold duplicates of `fds` over our own death; the next start gets them under `name`.
   *
   * @param name up to 255 printable ASCII characters without ":" (sd_notify(3), FDNAME=)
   */
  storeFds(name: string, fds: readonly number[]): NotifyError | null;
  /** Has the manager let go of what it holds under `name`; nothing there is fine. */
  forgetFds(name: string): NotifyError | null;
  /** Waits until the manager has dealt with all that it was told before: until then it may hold nothing yet. */
  barrier(): NotifyError | null;
}

/** What {@link Notifier.barrier} needs of ffi/. */
export interface Pipes {
  readonly open: () => { readonly readEnd: number; readonly writeEnd: number };
  /** Whether every write end has been closed within so many milliseconds. */
  readonly waitForHangup: (readEnd: number, timeout: number) => boolean;
  readonly close: (fd: number) => void;
}

/** The manager answers within a millisecond; one that takes this long has other troubles. */
const BARRIER_TIMEOUT_MS = 5000;

/**
 * A Notifier for the manager that `env` names in NOTIFY_SOCKET.
 *
 * @param pid our own: a watchdog that WATCHDOG_PID means for another process is not ours to feed
 * @param pipes what a barrier is made of
 */
export function createNotifier(env: Environment, pid: number, send: SendDatagram, pipes: Pipes): Notifier {
  const socket = env.NOTIFY_SOCKET ?? "";
  const notify = (assignments: readonly string[], fds: readonly number[] = []): NotifyError | null => {
    if (socket === "") return null;
    if (!/^[/@]./.test(socket)) return new NotifyError(`NOTIFY_SOCKET=${socket} is no unix socket's address`);
    try {
      send(socket, new TextEncoder().encode(assignments.join("\n")), fds);
      return null;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      return new NotifyError(`the service manager was not told ${assignments[0]}: ${why}`, { cause });
    }
  };
  return {
    watchdogInterval: watchdogInterval(env, pid),
    ready: (status) => notify(["READY=1", statusLine(status)]),
    status: (status) => notify([statusLine(status)]),
    reloading: (monotonic, status) =>
      notify(["RELOADING=1", `MONOTONIC_USEC=${monotonic}`, statusLine(status)]),
    stopping: (status) => notify(["STOPPING=1", statusLine(status)]),
    watchdog: () => notify(["WATCHDOG=1"]),
    storeFds: (name, fds) =>
      // Given another name the manager would call it "stored", and nobody would know it again.
      /^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name)
        ? notify(["FDSTORE=1", `FDNAME=${name}`], fds)
        : new NotifyError(`${JSON.stringify(name)} cannot be an FDNAME`),
    forgetFds: (name) => notify(["FDSTOREREMOVE=1", `FDNAME=${name}`]),
    barrier() {
      if (socket === "") return null;
      const { readEnd, writeEnd } = pipes.open();
      const told = notify(["BARRIER=1"], [writeEnd]);
      // With ours closed the manager's is the last one, and it closes it when its turn has come.
      pipes.close(writeEnd);
      const done = told !== null || pipes.waitForHangup(readEnd, BARRIER_TIMEOUT_MS);
      pipes.close(readEnd);
      if (done) return told;
      return new NotifyError(`the service manager has not answered for ${BARRIER_TIMEOUT_MS} ms`);
    },
  };
}

/** A line break would begin an assignment of its own. */
function statusLine(status: string): string {
  return `STATUS=${status.replaceAll(/[\r\n]+/g, " ")}`;
}

function watchdogInterval(env: Environment, pid: number): number | null {
  const allowed = env.WATCHDOG_USEC ?? "";
  const whose = env.WATCHDOG_PID;
  if (whose !== undefined && whose !== String(pid)) return null;
  if (!/^[1-9]\d*$/.test(allowed)) return null;
  return Math.max(1, Math.floor(Number(allowed) / 2000));
}
