import { formatIp, parseIp } from "../domain/ip.ts";
import type { Listen } from "./config.ts";
import { quote } from "./fault.ts";
import { type Parsed, parsed, unparsed } from "./parsed.ts";

/** What {@link parseListen} takes, for a sentence that ends with it. */
export const LISTEN = '"unix:/PATH", "127.0.0.1:PORT" or "[::1]:PORT"';

/** What a JSON Schema can say of it. */
export const LISTEN_PATTERN =
  "^(unix:/.*[^/]|127\\.\\d+\\.\\d+\\.\\d+:\\d{1,5}|\\[[0:]*:0{0,3}1\\]:\\d{1,5})$";

/** sun_path of sockaddr_un has 108 bytes with the closing NUL (unix(7)). */
const MAX_SOCKET_PATH = 107;

/**
 * A place to listen at, from `unix:/run/netdevd/netdevd.sock`, `127.0.0.1:9469` or `[::1]:9469`.
 *
 * The status tells what devices a host has and has no password, so nothing but loopback is taken. Names
 * are not: what `localhost` leads to is not for this file to say.
 */
export function parseListen(text: string): Parsed<Listen> {
  return text.startsWith("unix:") ? parseUnix(text, text.slice("unix:".length)) : parseTcp(text);
}

function parseUnix(text: string, path: string): Parsed<Listen> {
  if (!path.startsWith("/") || path.endsWith("/") || path.includes("\0")) {
    return unparsed(`${quote(text)} names no socket by an absolute path`, LISTEN);
  }
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > MAX_SOCKET_PATH) {
    return unparsed(
      `the socket's path has ${bytes} bytes`,
      `${MAX_SOCKET_PATH} bytes at most, which is all that a socket address holds`,
    );
  }
  return parsed({ type: "unix", path });
}

function parseTcp(text: string): Parsed<Listen> {
  const parts = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const bytes = parseIp(parts?.[1] ?? parts?.[2] ?? "");
  const port = Number(parts?.[3]);
  const bracketed = parts?.[1] !== undefined;
  if (bytes === null || bracketed !== (bytes.length === 16)) {
    return unparsed(`${quote(text)} is no place to listen at`, LISTEN);
  }
  const hostname = formatIp(bytes);
  if (hostname !== "::1" && !(bytes.length === 4 && bytes[0] === 127)) {
    return unparsed(`${hostname} is no loopback address, and netdevd is not to be seen from outside`, LISTEN);
  }
  if (port > 65535) return unparsed(`${port} is no port`, "a port from 0 (any free one) to 65535");
  return parsed({ type: "tcp", hostname, port });
}
