import type { Address } from "../../../src/domain/address.ts";
import { addressMessage, decodeAddress } from "../../../src/netlink/address.ts";
import type { Message } from "../../../src/netlink/message.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RTM_NEWADDR,
} from "../../../src/netlink/uapi.ts";
import { addAddress, deleteAddress, listAddresses } from "./addresses.ts";
import type { Link } from "./links.ts";
import { refuse } from "./refusal.ts";
import type { Answer, Caller } from "./rtnl.ts";

/** INFINITY_LIFE_TIME (net/addrconf.h). */
const FOR_EVER = 0xffffffff;

/** RTM_NEWADDR, RTM_DELADDR. */
export function changeAddress(caller: Caller, request: Message): void {
  const { ifindex, address } = decodeAddress(request.payload);
  const noDevice =
    address.family === "inet" ? "ipv4: Device not found" : "ipv6: Unable to find the interface";
  const link = caller.namespace.links.get(ifindex) ?? refuse("ENODEV", noDevice);
  if (request.type !== RTM_NEWADDR) {
    deleteAddress(link, address);
    return;
  }
  const exclusive = (request.flags & NLM_F_EXCL) !== 0;
  const replace = (request.flags & NLM_F_REPLACE) !== 0;
  addAddress(caller.world, link, address, { exclusive, replace });
}

/** RTM_GETADDR with NLM_F_DUMP: of one link where the request names one (NETLINK_GET_STRICT_CHK). */
export function dumpAddresses(caller: Caller, request: Message): Answer[] {
  const { ifa_family: family, ifa_index: ifindex } = addressMessage.decode(request.payload).header;
  const { links } = caller.namespace;
  const wanted = ifindex === 0 ? Array.from(links.values()) : [links.get(ifindex) ?? refuse("ENODEV")];
  const found = wanted.flatMap((link) =>
    listAddresses(caller.world, link).map((address) => ({ link, address })),
  );
  return [AF_INET, AF_INET6]
    .filter((one) => family === AF_UNSPEC || family === one)
    .flatMap((one) => found.filter(({ address }) => familyOf(address) === one))
    .map(({ link, address }) => ({ type: RTM_NEWADDR, payload: addressPayload(link, address) }));
}

/** inet_fill_ifaddr() and inet6_fill_ifaddr(): IPv6 tells IFA_LOCAL where there is a peer alone. */
function addressPayload(link: Link, address: Address): Uint8Array {
  const isInet = address.family === "inet";
  return addressMessage.encode(
    {
      ifa_family: familyOf(address),
      ifa_prefixlen: address.prefixLength,
      ifa_flags: address.flags & 0xff,
      ifa_scope: address.scope,
      ifa_index: link.ifindex,
    },
    {
      IFA_ADDRESS: address.peer ?? address.local,
      IFA_LOCAL: isInet || address.peer !== null ? address.local : undefined,
      IFA_BROADCAST: address.broadcast ?? undefined,
      IFA_LABEL: address.label ?? undefined,
      IFA_FLAGS: address.flags,
      IFA_RT_PRIORITY: address.metric ?? undefined,
      IFA_PROTO: address.protocol ?? undefined,
      IFA_CACHEINFO: {
        preferred: address.preferredLifetime ?? FOR_EVER,
        valid: address.validLifetime ?? FOR_EVER,
      },
    },
  );
}

function familyOf(address: Address): number {
  return address.family === "inet" ? AF_INET : AF_INET6;
}
