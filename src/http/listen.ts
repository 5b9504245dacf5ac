import { readFileSync } from "node:fs";
import type { Listen } from "../config/config.ts";
import { groupId } from "./group.ts";
import { bindUnix } from "./unix-socket.ts";

export interface ListenOptions {
  /** Whose members may use the unix sockets (0660); null: their owner alone (0600). */
  readonly group: string | null;
  /** How long requests that are under way may go on after the end, milliseconds. Default 2000. */
  readonly grace?: number;
  /**
   * How long a connection may be on which nothing gets through, seconds: a reader that has stopped reading holds a file
   * descriptor for no longer. Default 120; event streams have a heartbeat that is quicker.
   */
  readonly idleTimeout?: number;
  /** The group(5) file. Default `/etc/group`. */
  readonly groupFile?: string;
}

/** Sockets that are being served on. Disposing lets requests end within the grace and removes the sockets. */
export interface HttpServer extends AsyncDisposable {
  /** In the order asked for, with the real port where 0 was asked. */
  readonly addresses: readonly Listen[];
}

/** An address cannot be served on; what stood in the way is the `cause`. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly address: Listen;

  constructor(address: Listen, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`cannot serve HTTP on ${addressLabel(address)}: ${why}`, { cause });
    this.address = address;
  }
}

/** `unix:/run/netdevd/netdevd.sock`, `127.0.0.1:9469`, `[::1]:9469`: as the config writes it. */
export function addressLabel(address: Listen): string {
  if (address.type === "unix") return `unix:${address.path}`;
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

type Fetch = (request: Request) => Response | Promise<Response>;
type Server = Bun.Server<undefined>;

/**
 * Serves `fetch` on all `addresses`, or on none: one that cannot be had is a {@link ListenError}, and those
 * before it are let go again.
 */
export async function listen(
  fetch: Fetch,
  addresses: readonly Listen[],
  options: ListenOptions,
): Promise<HttpServer> {
  const { idleTimeout = IDLE_TIMEOUT } = options;
  const servers: Server[] = [];
  const bound: Listen[] = [];
  const stopAll = async (grace: number): Promise<void> => {
    await Promise.all(servers.map((server) => stop(server, grace)));
  };
  for (const address of addresses) {
    try {
      if (address.type === "unix") {
        const gid = options.group === null ? null : gidOf(options.group, options.groupFile);
        await bindUnix(address.path, gid, () => servers.push(serveUnix(fetch, address.path, idleTimeout)));
        bound.push(address);
      } else {
        const server = serveTcp(fetch, address, idleTimeout);
        servers.push(server);
        bound.push({ ...address, port: server.port ?? address.port });
      }
    } catch (cause) {
      await stopAll(0);
      throw new ListenError(address, cause);
    }
  }
  return { addresses: bound, [Symbol.asyncDispose]: () => stopAll(options.grace ?? 2000) };
}

/** Seconds. Bun's default of 10 s would cut event streams that have nothing to tell. */
const IDLE_TIMEOUT = 120;

const COMMON = {
  // Bun's own error page would show source code.
  development: false,
  // Nothing here reads a body; Bun's default would hold 128 MiB of it.
  maxRequestBodySize: 64 * 1024,
} as const;

function serveTcp(
  fetch: Fetch,
  { hostname, port }: Extract<Listen, { type: "tcp" }>,
  idleTimeout: number,
): Server {
  // Where `development` is false Bun shares ports (SO_REUSEPORT): a second server would get half the requests.
  return Bun.serve({ ...COMMON, fetch, hostname, port, idleTimeout, reusePort: false });
}

function serveUnix(fetch: Fetch, path: string, idleTimeout: number): Server {
  const options: Bun.Serve.Options<undefined, never> = { ...COMMON, fetch, unix: path };
  // Bun heeds it for unix sockets as well; only its types say that they have none.
  Object.assign(options, { idleTimeout });
  return Bun.serve(options);
}

function gidOf(group: string, groupFile = "/etc/group"): number {
  const gid = groupId(readFileSync(groupFile, "utf8"), group);
  if (gid !== null) return gid;
  const mend = `create it (groupadd --system ${group}) or leave http.group out`;
  throw new Error(`${groupFile} has no group ${JSON.stringify(group)}; ${mend}`);
}

/**
 * stop() takes the socket file away at once, and then waits for event streams as long as their readers
 * stay: the grace bounds it.
 */
async function stop(server: Server, grace: number): Promise<void> {
  const { promise: deadline, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, grace);
  await Promise.race([server.stop(), deadline]);
  clearTimeout(timer);
  await server.stop(true);
}
