import { formatIp, parseIp } from "../domain/ip.ts";

/**
 * Whether the value of a Host header (RFC 9110, 7.2) names this machine: `localhost`, 127.0.0.0/8 or
 * `[::1]`, with or without a port.
 *
 * A page of any site may point a name of its own at 127.0.0.1 and have a browser ask there (DNS
 * rebinding); the browser then sends that name, which is how such a request is known.
 */
export function isLocalHost(host: string): boolean {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d*)?$/.exec(host);
  if (parts === null) return false;
  const [, ipv6, name] = parts;
  if (ipv6 !== undefined) {
    const bytes = parseIp(ipv6);
    return bytes !== null && formatIp(bytes) === "::1";
  }
  if (name === undefined) return false;
  if (name.toLowerCase() === "localhost") return true;
  const bytes = parseIp(name);
  return bytes !== null && bytes[0] === 127;
}
