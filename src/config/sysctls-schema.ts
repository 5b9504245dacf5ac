import * as v from "valibot";
import { sysctlPath } from "../domain/sysctls.ts";
import { quote } from "./fault.ts";
import { type Rule, tableOf } from "./table.ts";

const VALUE = "an integer";

/** Any device: what is asked is whether there could be such a file. */
const SOME_DEVICE = "eth0";

const settingsAsKeys: Rule = function* (settings) {
  for (const key of Object.keys(settings)) {
    if (sysctlPath(key, SOME_DEVICE) !== null) continue;
    const message = `${quote(key)} is no sysctl of a device`;
    const expected = 'a name such as "ipv4.arp_ignore", "ipv6.accept_ra" or "ipv4.neigh.app_solicit"';
    yield { path: [key], at: "key", message, expected };
  }
};

/** `sysctls` of a device: net.ipv4.conf.DEVICE.arp_ignore is "ipv4.arp_ignore". */
export const sysctls = v.pipe(
  tableOf(
    v.pipe(v.number(VALUE), v.safeInteger(VALUE)),
    [settingsAsKeys],
    "^ipv[46]\\.(neigh\\.)?[a-z0-9_]+$",
  ),
  v.metadata({
    description:
      '`{ "ipv4.arp_ignore" = 1 }` is `net.ipv4.conf.DEVICE.arp_ignore`; so with `ipv6.`, `ipv4.neigh.` and `ipv6.neigh.`',
    default: {},
  }),
);
