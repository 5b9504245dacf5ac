import { expect, test } from "bun:test";
import {
  type Address,
  IFA_F_DEPRECATED,
  IFA_F_NODAD,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  RT_SCOPE_LINK,
} from "../../src/domain/address.ts";
import { decodeAddress, getAddresses } from "../../src/netlink/address.ts";
import { replay } from "./wire.ts";

const FILE = "address-replies.txt";
const IFA_F_NOPREFIXROUTE = 0x200;
/** IFAPROT_KERNEL_LL (linux/if_addr.h): the link-local address that the kernel made. */
const IFAPROT_KERNEL_LL = 3;

const v4: Address = {
  family: "inet",
  local: "192.0.2.1",
  peer: null,
  prefixLength: 24,
  broadcast: null,
  label: "d0",
  scope: 0,
  flags: IFA_F_PERMANENT,
  metric: null,
  protocol: null,
  preferredLifetime: null,
  validLifetime: null,
};
const v6: Address = {
  ...v4,
  family: "inet6",
  local: "2001:db8::1",
  prefixLength: 64,
  label: null,
  flags: IFA_F_PERMANENT | IFA_F_NODAD,
};

test.each<{ name: string; addresses: Address[] }>([
  {
    name: "v4",
    addresses: [
      { ...v4, local: "169.254.3.4", prefixLength: 16, scope: RT_SCOPE_LINK },
      { ...v4, broadcast: "192.0.2.255" },
      { ...v4, local: "192.0.2.3", peer: "198.51.100.2", prefixLength: 32 },
      {
        ...v4,
        local: "203.0.113.1",
        label: "d0:one",
        flags: IFA_F_NOPREFIXROUTE,
        metric: 77,
        preferredLifetime: 18_000,
        validLifetime: 36_000,
      },
      { ...v4, local: "192.0.2.2", flags: IFA_F_PERMANENT | IFA_F_SECONDARY },
    ],
  },
  {
    name: "v6",
    addresses: [
      { ...v6, local: "2001:db8:1::1", metric: 77 },
      {
        ...v6,
        local: "2001:db8::3",
        peer: "2001:db8::4",
        prefixLength: 128,
        flags: IFA_F_PERMANENT | IFA_F_NODAD | IFA_F_NOPREFIXROUTE,
      },
      {
        ...v6,
        local: "2001:db8::2",
        flags: IFA_F_DEPRECATED,
        preferredLifetime: 0,
        validLifetime: 36_000,
      },
      v6,
      {
        ...v6,
        local: "fe80::ff:fe00:7",
        scope: RT_SCOPE_LINK,
        flags: IFA_F_PERMANENT,
        protocol: IFAPROT_KERNEL_LL,
      },
    ],
  },
])("the $name addresses of a device, as the kernel tells them", ({ name, addresses }) => {
  const messages = replay(FILE, name, (connection) => connection.dump(getAddresses(7)));
  const decoded = messages.map((message) => decodeAddress(message.payload));
  expect(decoded).toEqual(addresses.map((address) => ({ ifindex: 7, address })));
});
