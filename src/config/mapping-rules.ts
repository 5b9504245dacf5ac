import { isLiteral } from "../domain/glob.ts";
import { isTemplate } from "../domain/interface-name.ts";
import { type Path, pathText, quote } from "./fault.ts";
import type { Rule } from "./table.ts";
import { isEmpty, isTable, type Table } from "./toml-value.ts";

/** A rule: a mapping asks for devices, in one of the spellings. */
export const devicesInOneSpelling: Rule = function* ({ device, netDevices }) {
  if (device !== undefined && netDevices !== undefined) {
    const expected = "one spelling of devices in one mapping";
    yield { path: ["netDevices"], at: "key", message: 'stands beside "device"', expected };
  } else if (isEmpty(device) && !isTable(device) && isEmpty(netDevices)) {
    const expected = "[[mapping.device]] or one of the spellings of netDevices";
    yield { path: [], at: "value", message: "asks for no device", expected };
  }
};

/** A rule: no two requests of a mapping are for one host device; the second would never find it free. */
export const noHostDeviceTwice: Rule = function* (mapping) {
  const seen = new Map<string, Path>();
  for (const { path, host, hostPath } of requestsOf(mapping)) {
    if (host === null) continue;
    const first = seen.get(host);
    if (first === undefined) seen.set(host, path);
    else {
      const message = `${quote(host)} is taken by ${pathText(first)} of this mapping`;
      yield { path: hostPath, at: "value", message, expected: "each device once" };
    }
  }
};

/** A rule: no two requests of a mapping end under one name inside. */
export const noNameInsideTwice: Rule = function* (mapping) {
  const seen = new Map<string, RawRequest>();
  for (const request of requestsOf(mapping)) {
    const { host, inside, insidePath } = request;
    if (inside === null || isTemplate(inside)) continue;
    const first = seen.get(inside);
    if (first === undefined) seen.set(inside, request);
    // Of one host device twice it is told that it is there twice.
    else if (host === null || first.host !== host) {
      const message = `${quote(inside)} is the name inside of ${pathText(first.path)} too`;
      yield { path: insidePath, at: "value", message, expected: "another name" };
    }
  }
};

/** What is known of a request before it is known to be right. Paths lead from the mapping. */
interface RawRequest {
  readonly path: Path;
  /** The one host device that it is for; null where it is for any that match. */
  readonly host: string | null;
  readonly hostPath: Path;
  /** The name inside; null where it is not known before a device is picked. */
  readonly inside: string | null;
  readonly insidePath: Path;
}

function* requestsOf({ device, netDevices }: Table): Iterable<RawRequest> {
  if (Array.isArray(device)) {
    for (const [at, request] of device.entries()) {
      const path = ["device", at];
      const pattern = textAt(request, "match", "name");
      const host = pattern !== null && isLiteral(pattern) ? pattern : null;
      yield rawRequest(path, host, [...path, "match", "name"], textAt(request, "name"), [...path, "name"]);
    }
  }
  if (Array.isArray(netDevices)) {
    for (const [at, request] of netDevices.entries()) {
      const path = ["netDevices", at];
      const inside = textAt(request, "properties", "name");
      yield rawRequest(path, textAt(request, "name"), [...path, "name"], inside, [
        ...path,
        "properties",
        "name",
      ]);
    }
  } else if (isTable(netDevices)) {
    for (const [host, request] of Object.entries(netDevices)) {
      const path = ["netDevices", host];
      yield rawRequest(path, host, path, textAt(request, "name"), [...path, "name"]);
    }
  }
}

/** Where no name is given, the device keeps the host's. */
function rawRequest(
  path: Path,
  host: string | null,
  hostPath: Path,
  name: string | null,
  namePath: Path,
): RawRequest {
  return { path, host, hostPath, inside: name === null || name === "" ? host : name, insidePath: namePath };
}

function textAt(value: unknown, ...keys: readonly string[]): string | null {
  let at = value;
  for (const key of keys) at = isTable(at) ? at[key] : undefined;
  return typeof at === "string" ? at : null;
}
