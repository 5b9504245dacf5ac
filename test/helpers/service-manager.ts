import { closeSync } from "node:fs";
import { SyscallError } from "../../ffi/errno.ts";
import { DatagramReceiver, type Received } from "./datagram-receiver.ts";

/** What plays the service manager of one daemon: it keeps what it is told, and the fds that it is given. */
export interface ServiceManager extends Disposable {
  /** What the daemon has to be started with to take it for its manager. */
  readonly environment: Readonly<Record<string, string>>;
  /** All that it was told, in order. */
  readonly told: readonly string[];
  /** Names of what is in its fd store. */
  names(): string[];
  /** Lets go of all that is in the store, as systemd before 254 does when a unit is stopped. */
  drop(): void;
}

const LOOK_AGAIN_MS = 1;

/** A {@link ServiceManager} that listens at `path`. */
export function serviceManagerAt(path: string): ServiceManager {
  const receiver = new DatagramReceiver(path);
  const told: string[] = [];
  const store = new Map<string, number[]>();

  function take({ text, fds }: Received): void {
    told.push(text);
    const [, name = "stored"] = /^FDNAME=(.*)$/m.exec(text) ?? [];
    if (text.startsWith("FDSTORE=1\n")) store.set(name, [...(store.get(name) ?? []), ...fds]);
    else for (const fd of fds) closeSync(fd);
    if (text.startsWith("FDSTOREREMOVE=1\n")) forget(name);
  }

  function forget(name: string): void {
    for (const fd of store.get(name) ?? []) closeSync(fd);
    store.delete(name);
  }

  function look(): void {
    try {
      for (;;) take(receiver.receive());
    } catch (error) {
      if (!(error instanceof SyscallError && error.code === "EAGAIN")) throw error;
    }
  }

  const timer = setInterval(look, LOOK_AGAIN_MS);
  const drop = () => {
    for (const name of Array.from(store.keys())) forget(name);
  };
  return {
    environment: { NOTIFY_SOCKET: path, FDSTORE: "16" },
    told,
    names: () => Array.from(store).flatMap(([name, fds]) => fds.map(() => name)),
    drop,
    [Symbol.dispose]() {
      clearInterval(timer);
      drop();
      receiver[Symbol.dispose]();
    },
  };
}
