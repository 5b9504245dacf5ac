import { describe, expect, test } from "bun:test";
import { type Address, IFA_F_NODAD, RT_SCOPE_LINK } from "../../src/domain/address.ts";
import {
  addAddress,
  addressMessage,
  decodeAddress,
  deleteAddress,
  getAddresses,
} from "../../src/netlink/address.ts";
import type { Message } from "../../src/netlink/message.ts";
import { captured, hex, sent } from "./wire.ts";

const FILE = "address-requests.txt";
const IFINDEX = 2;
const IFA_F_NOPREFIXROUTE = 0x200;

const v4: Address = {
  family: "inet",
  local: "192.0.2.1",
  peer: null,
  prefixLength: 24,
  broadcast: null,
  label: null,
  scope: 0,
  flags: 0,
  metric: null,
  protocol: null,
  preferredLifetime: null,
  validLifetime: null,
};
const v6: Address = { ...v4, family: "inet6", local: "2001:db8::1", prefixLength: 64 };
const hour = { preferredLifetime: 1800, validLifetime: 3600 };

/** Header and attributes, with the flags where they are always wide enough: in IFA_FLAGS. */
function tree({ type, flags, payload }: Message) {
  const { header, values, unknown } = addressMessage.decode(payload);
  return {
    type,
    flags,
    header: { ...header, ifa_flags: 0 },
    values: { ...values, IFA_FLAGS: values.IFA_FLAGS ?? header.ifa_flags },
    unknown,
  };
}

describe("the same as ip(8) says, in an order of our own and with all flags in IFA_FLAGS", () => {
  const added: { readonly name: string; readonly address: Address }[] = [
    { name: "v4", address: v4 },
    { name: "v4 peer", address: { ...v4, peer: "198.51.100.2", prefixLength: 32 } },
    { name: "v4 broadcast", address: { ...v4, broadcast: "192.0.2.255" } },
    { name: "v4 label", address: { ...v4, label: "d0:one" } },
    { name: "v4 scope", address: { ...v4, local: "169.254.3.4", prefixLength: 16, scope: RT_SCOPE_LINK } },
    { name: "v4 noprefixroute", address: { ...v4, flags: IFA_F_NOPREFIXROUTE } },
    { name: "v4 metric", address: { ...v4, metric: 77 } },
    {
      name: "v4 with everything",
      address: { ...v4, broadcast: "192.0.2.255", label: "d0:one", metric: 77, ...hour },
    },
    { name: "v6", address: v6 },
    { name: "v6 nodad", address: { ...v6, flags: IFA_F_NODAD } },
    { name: "v6 peer", address: { ...v6, peer: "2001:db8::2", prefixLength: 128 } },
    { name: "v6 lifetimes", address: { ...v6, ...hour } },
  ];

  test.each(added)("add $name", ({ name, address }) => {
    const theirs = captured(FILE, name);
    const ours = sent((connection) => connection.request(addAddress(IFINDEX, address, false, "add")));
    expect(decodeAddress(theirs.payload)).toEqual({ ifindex: IFINDEX, address });
    expect(tree(ours)).toEqual(tree(theirs));
  });

  test("replace v6", () => {
    const theirs = captured(FILE, "v6 replace");
    const ours = sent((connection) => connection.request(addAddress(IFINDEX, v6, true, "replace")));
    expect(decodeAddress(theirs.payload)).toEqual({ ifindex: IFINDEX, address: v6 });
    expect(tree(ours)).toEqual(tree(theirs));
  });

  test.each([
    { name: "del v4", address: v4 },
    { name: "del v6", address: v6 },
  ])("$name", ({ name, address }) => {
    const theirs = captured(FILE, name);
    const ours = sent((connection) => connection.request(deleteAddress(IFINDEX, address, "delete")));
    expect(decodeAddress(theirs.payload)).toEqual({ ifindex: IFINDEX, address });
    expect(tree(ours)).toEqual(tree(theirs));
  });
});

test("the dump of a device's addresses has the same bytes", () => {
  const ours = sent((connection) => connection.dump(getAddresses(7)));
  expect(hex(ours)).toEqual(hex(captured(FILE, "dump")));
});
