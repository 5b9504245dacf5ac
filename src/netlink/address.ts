import { struct } from "../../ffi/layout.ts";
import type { Address } from "../domain/address.ts";
import { formatIp, parseIp } from "../domain/ip.ts";
import { asciiz, attributes, type Codec, raw, u8, u32 } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { DecodeError, viewOf } from "./decode-error.ts";
import { family } from "./family.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from "./uapi.ts";

/** struct ifaddrmsg (linux/if_addr.h). */
export const ifaddrmsg = struct("ifaddrmsg", {
  ifa_family: "u8",
  ifa_prefixlen: "u8",
  ifa_flags: "u8",
  ifa_scope: "u8",
  ifa_index: "u32",
});

/** struct ifa_cacheinfo; lifetimes in seconds, stamps in hundredths. */
const ifa_cacheinfo = struct("ifa_cacheinfo", {
  ifa_prefered: "u32",
  ifa_valid: "u32",
  cstamp: "u32",
  tstamp: "u32",
});

/** INFINITY_LIFE_TIME (net/addrconf.h). */
const FOR_EVER = 0xffffffff;

/** An IPv4 or IPv6 address as canonical text. */
export const ip: Codec<string> = {
  decode(payload) {
    if (payload.length !== 4 && payload.length !== 16)
      throw new DecodeError("IP address", 0, 16, payload.length);
    return formatIp(payload);
  },
  encode(text) {
    const bytes = parseIp(text);
    if (bytes === null) throw new TypeError(`${JSON.stringify(text)} is no IP address`);
    return bytes;
  },
};

const cacheinfo: Codec<{ preferred: number; valid: number }> = {
  decode(payload) {
    const value = ifa_cacheinfo.decode(viewOf("ifa_cacheinfo", payload, ifa_cacheinfo.size), 0);
    return { preferred: value.ifa_prefered, valid: value.ifa_valid };
  },
  encode({ preferred, valid }) {
    const bytes = new Uint8Array(ifa_cacheinfo.size);
    ifa_cacheinfo.encode({ ifa_prefered: preferred, ifa_valid: valid }, new DataView(bytes.buffer), 0);
    return bytes;
  },
};

/** IFA_* (linux/if_addr.h). */
export const IFA = attributes({
  IFA_ADDRESS: [1, ip],
  IFA_LOCAL: [2, ip],
  IFA_LABEL: [3, asciiz],
  IFA_BROADCAST: [4, ip],
  IFA_ANYCAST: [5, raw],
  IFA_CACHEINFO: [6, cacheinfo],
  IFA_FLAGS: [8, u32],
  IFA_RT_PRIORITY: [9, u32],
  IFA_PROTO: [11, u8],
});

/** RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR. */
export const addressMessage = family(ifaddrmsg, IFA);

/**
 * Reads the addresses of both families of one device; for `dump`. The kernel filters by ifindex, because
 * the sockets ask for strict checking.
 */
export function getAddresses(ifindex: number): Request {
  const about = `list addresses of device ${ifindex}`;
  return addressMessage.request(RTM_GETADDR, 0, { ifa_family: AF_UNSPEC, ifa_index: ifindex }, {}, about);
}

/** Adds an address. `replace` changes the flags and lifetimes of one that is there already. */
export function addAddress(ifindex: number, address: Address, replace: boolean, about: string): Request {
  const flags = NLM_F_CREATE | (replace ? NLM_F_REPLACE : NLM_F_EXCL);
  return addressRequest(RTM_NEWADDR, flags, ifindex, address, about);
}

/** Takes an address from a device. */
export function deleteAddress(ifindex: number, address: Address, about: string): Request {
  return addressRequest(RTM_DELADDR, 0, ifindex, address, about);
}

function addressRequest(
  type: number,
  flags: number,
  ifindex: number,
  address: Address,
  about: string,
): Request {
  const header = {
    ifa_family: address.family === "inet" ? AF_INET : AF_INET6,
    ifa_prefixlen: address.prefixLength,
    ifa_scope: address.scope,
    ifa_index: ifindex,
  };
  const timed = address.validLifetime !== null || address.preferredLifetime !== null;
  const lifetimes = {
    preferred: address.preferredLifetime ?? FOR_EVER,
    valid: address.validLifetime ?? FOR_EVER,
  };
  const values = {
    IFA_LOCAL: address.local,
    IFA_ADDRESS: address.peer ?? address.local,
    IFA_BROADCAST: address.broadcast ?? undefined,
    IFA_LABEL: address.label ?? undefined,
    IFA_FLAGS: address.flags,
    IFA_RT_PRIORITY: address.metric ?? undefined,
    IFA_PROTO: address.protocol ?? undefined,
    IFA_CACHEINFO: timed ? lifetimes : undefined,
  };
  return addressMessage.request(type, flags, header, values, about);
}

/** The address that an RTM_NEWADDR tells of, and the ifindex of its device. */
export function decodeAddress(payload: Uint8Array): { readonly ifindex: number; readonly address: Address } {
  const { header, values } = addressMessage.decode(payload);
  const { ifa_family: number } = header;
  if (number !== AF_INET && number !== AF_INET6)
    throw new DecodeError(`ifaddrmsg of family ${number}`, 0, 8, 0);
  const local = values.IFA_LOCAL ?? values.IFA_ADDRESS;
  if (local === undefined) throw new DecodeError("IFA_ADDRESS", payload.length, 4, 0);
  const other = values.IFA_ADDRESS;
  const lifetimes = values.IFA_CACHEINFO;
  const address: Address = {
    family: number === AF_INET ? "inet" : "inet6",
    local,
    peer: other === undefined || other === local ? null : other,
    prefixLength: header.ifa_prefixlen,
    broadcast: values.IFA_BROADCAST ?? null,
    label: values.IFA_LABEL ?? null,
    scope: header.ifa_scope,
    flags: values.IFA_FLAGS ?? header.ifa_flags,
    metric: values.IFA_RT_PRIORITY || null,
    protocol: values.IFA_PROTO || null,
    preferredLifetime: finite(lifetimes?.preferred),
    validLifetime: finite(lifetimes?.valid),
  };
  return { ifindex: header.ifa_index, address };
}

function finite(seconds: number | undefined): number | null {
  return seconds === undefined || seconds === FOR_EVER ? null : seconds;
}
