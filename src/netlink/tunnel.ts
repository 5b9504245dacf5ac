import type { Remote } from "../domain/device.ts";
import { formatIp } from "../domain/ip.ts";
import { attributes, raw, u32 } from "./attribute.ts";

/** What a tunnel says of its way: the device that it is bound to, or else where it sends to. */
export interface Way {
  /** ifindex of the device that all it sends leaves by; null where it is bound to none. */
  readonly underlay: number | null;
  /** null where it is bound to a device, or sends to no one address. */
  readonly remote: Remote | null;
}

const NOWHERE: Way = { underlay: null, remote: null };

/** IFLA_VXLAN_* (linux/if_link.h). */
const VXLAN = attributes({
  group: [2, raw],
  link: [3, u32],
  local: [4, raw],
  group6: [16, raw],
  local6: [17, raw],
});

/** IFLA_GENEVE_* (linux/if_link.h). */
const GENEVE = attributes({ group: [2, raw], group6: [7, raw] });

/** IFLA_GRE_* (linux/if_tunnel.h). */
const GRE = attributes({ link: [1, u32], local: [6, raw], group: [7, raw], mark: [20, u32] });

/** IFLA_IPTUN_* (linux/if_tunnel.h). */
const IPTUN = attributes({ link: [1, u32], local: [2, raw], group: [3, raw], mark: [20, u32] });

/** IFLA_VTI_* (linux/if_tunnel.h). */
const VTI = attributes({ link: [1, u32], local: [4, raw], group: [5, raw], mark: [6, u32] });

/** The tables of IFLA_INFO_DATA by IFLA_INFO_KIND, under names that they have in common. */
const TABLES = new Map<string, { decode(bytes: Uint8Array): { readonly values: Told } }>([
  ["vxlan", VXLAN],
  ["geneve", GENEVE],
  ...["gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan"].map((kind) => [kind, GRE] as const),
  ...["ipip", "sit", "ip6tnl"].map((kind) => [kind, IPTUN] as const),
  ...["vti", "vti6"].map((kind) => [kind, VTI] as const),
]);

interface Told {
  readonly link?: number | undefined;
  readonly group?: Uint8Array | undefined;
  readonly group6?: Uint8Array | undefined;
  readonly local?: Uint8Array | undefined;
  readonly local6?: Uint8Array | undefined;
  readonly mark?: number | undefined;
}

/**
 * The way that a device of this kind sends by.
 *
 * @param data IFLA_INFO_DATA
 */
export function wayOf(kind: string | undefined, data: Uint8Array | undefined): Way {
  const table = kind === undefined || data === undefined ? undefined : TABLES.get(kind);
  if (table === undefined || data === undefined) return NOWHERE;
  const { link, group, group6, local, local6, mark = 0 } = table.decode(data).values;
  if (link) return { underlay: link, remote: null };
  const address = addressOf(group) ?? addressOf(group6);
  if (address === null) return NOWHERE;
  return { underlay: null, remote: { address, source: addressOf(local) ?? addressOf(local6), mark } };
}

/** null: none, or the unspecified address, which means any. */
function addressOf(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16)) return null;
  return bytes.every((byte) => byte === 0) ? null : formatIp(bytes);
}
