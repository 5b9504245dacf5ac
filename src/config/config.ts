import type { Mapping } from "../domain/mapping.ts";

/** Where the HTTP server listens: a socket in the file system, or a loopback port (0: any free one). */
export type Listen =
  | { readonly type: "unix"; readonly path: string }
  | { readonly type: "tcp"; readonly hostname: string; readonly port: number };

/** All that the config says, of the main file and of `conf.d` together, with defaults filled in. */
export interface Config {
  readonly daemon: {
    /** The folder that events are dropped into; 0700. */
    readonly spool: string;
    /** The folder of verdict files; 0755. */
    readonly results: string;
    /** The folder of journal and lock; 0700. */
    readonly state: string;
  };
  readonly http: {
    readonly listen: readonly Listen[];
    /** The group that may use the unix sockets; null: root alone. */
    readonly group: string | null;
  };
  readonly oci: {
    /** Whether `linux.netDevices` of an event's bundle is honoured. */
    readonly netDevices: boolean;
    /** Patterns for the names of the devices that a bundle may ask for. */
    readonly allow: readonly string[];
  };
  /** In the order of the files, and inside a file: the first one whose container holds applies. */
  readonly mappings: readonly Mapping[];
}

/** The config file that is read where the command line names none. */
export const DEFAULT_CONFIG_FILE = "/etc/netdevd/netdevd.toml";

/** As a config file would have it. */
export const DEFAULT_LISTEN = "unix:/run/netdevd/netdevd.sock";

/** What an empty config file means. */
export const DEFAULT_CONFIG: Config = {
  daemon: {
    spool: "/run/netdevd/spool",
    results: "/run/netdevd/results",
    state: "/run/netdevd/state",
  },
  http: { listen: [{ type: "unix", path: DEFAULT_LISTEN.slice("unix:".length) }], group: null },
  oci: { netDevices: false, allow: [] },
  mappings: [],
};
