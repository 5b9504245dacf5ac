/** The states of an OCI container that netdevd acts on (runtime-spec, "State"). */
export type ContainerStatus = "creating" | "created" | "running" | "stopped";

/** Where a container's network namespace is to be found. */
export type Target =
  | { readonly by: "pid"; readonly pid: number }
  | { readonly by: "netns"; readonly path: string };

/** One immutable spool record: the OCI container state, or the same object with `netns` in place of `pid`. */
export interface ContainerEvent {
  readonly type: "container";
  /** The spool file's name; the verdict has the same. */
  readonly name: string;
  readonly id: string;
  readonly status: ContainerStatus;
  /** null only where the status is "stopped". */
  readonly target: Target | null;
  readonly bundle: string | null;
  readonly annotations: Readonly<Record<string, string>>;
  /** When the file was written: CLOCK_REALTIME, milliseconds. */
  readonly writtenAt: number;
}

/** What `netdevd release` drops into the spool: bring these home, whoever still holds them. */
export interface ReleaseEvent {
  readonly type: "release";
  readonly name: string;
  /** A container's id; null: all of them. */
  readonly id: string | null;
}

export type SpoolEvent = ContainerEvent | ReleaseEvent;
