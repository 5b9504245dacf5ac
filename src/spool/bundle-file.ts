import * as v from "valibot";
import { interfaceNameFault } from "../domain/interface-name.ts";
import type { BundleRead, NetDevice } from "../domain/net-devices.ts";
import type { Code } from "../domain/verdict.ts";
import { parseJson } from "./json.ts";
import { type Refusal, refusal, refusalText } from "./refusal.ts";
import { isObject, member, quoted, schemaRefusal } from "./schema-refusal.ts";

const OBJECT = "an object";
const NAME = "a string";

/** Each takes a look at the host and a place in the plan: whoever writes the file is not to keep netdevd busy. */
const MOST_DEVICES = 256;

const netDevice = objectOf({ name: v.nullish(v.string(NAME)) });

/** config.json of runtime-spec 1.3 as far as netdevd reads it; members that it does not know are ignored. */
const config = objectOf({
  linux: v.nullish(objectOf({ netDevices: v.nullish(v.custom<object>(isObject, OBJECT)) })),
});

/**
 * What the bytes of `file`, the config.json of a bundle, ask for in `linux.netDevices`, or why that cannot be told.
 * Never throws. JavaScript puts keys that are numbers before all others: devices that are called so come first.
 */
export function parseNetDevices(file: string, bytes: Uint8Array): BundleRead {
  const json = parseJson(bytes);
  if (!json.ok) return refused(file, json.refusal);
  const parsed = v.safeParse(config, json.json, { abortEarly: true });
  if (!parsed.success) return refused(file, schemaRefusal(parsed.issues[0]));
  const entries: [string, unknown][] = Object.entries(parsed.output.linux?.netDevices ?? {});
  if (entries.length > MOST_DEVICES) {
    const message = `expected ${MOST_DEVICES} devices at most, found ${entries.length}`;
    return refused(file, refusal(WHERE, message));
  }
  const netDevices: NetDevice[] = [];
  for (const [hostName, value] of entries) {
    const where = `${WHERE}${member(hostName, 1)}`;
    const fault = interfaceNameFault(hostName, false);
    if (fault !== null)
      return refused(file, refusal(WHERE, `the name ${quoted(hostName)} of a device ${fault}`));
    const one = v.safeParse(netDevice, value, { abortEarly: true });
    if (!one.success) return refused(file, below(where, schemaRefusal(one.issues[0])));
    // An empty one is the host's, as runtimes have it.
    const name = one.output.name || null;
    const nameFault = name === null ? null : interfaceNameFault(name, true);
    if (nameFault !== null) {
      const message = `the name ${quoted(name ?? "")} ${nameFault}`;
      return refused(file, refusal(`${where}.name`, message), "name-invalid", hostName);
    }
    netDevices.push({ hostName, name });
  }
  return { ok: true, netDevices };
}

const WHERE = "linux.netDevices";

/** Why a bundle cannot be read: what is wrong with its file, and where in it. */
export function refused(
  file: string,
  reason: Refusal,
  code: Code = "bundle-invalid",
  device: string | null = null,
): BundleRead {
  return { ok: false, problem: { code, message: `${file}: ${refusalText(reason)}`, device } };
}

function below(where: string, { where: inside, message }: Refusal): Refusal {
  return refusal(inside === null ? where : `${where}.${inside}`, message);
}

/** v.object takes arrays for objects. */
function objectOf<const TEntries extends v.ObjectEntries>(entries: TEntries) {
  const object = v.object(entries);
  const neither = v.never(OBJECT);
  return v.lazy((input) => (isObject(input) ? object : neither));
}
