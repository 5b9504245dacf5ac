import { expect, test } from "bun:test";
import { type Ack, decodeAck } from "../../src/netlink/ack.ts";
import { IFLA, ifinfomsg } from "../../src/netlink/link.ts";
import { nlmsghdr } from "../../src/netlink/message.ts";
import { NetlinkError } from "../../src/netlink/netlink-error.ts";
import { getRoutesOf } from "../../src/netlink/route.ts";
import { captured, replay } from "./wire.ts";

const FILE = "acks.txt";
const [ENOENT, EEXIST, EINVAL, ERANGE] = [2, 17, 22, 34];

test.each<{ name: string; ack: Ack }>([
  { name: "done", ack: { errno: 0, message: null, offset: null } },
  {
    name: "refused with words",
    ack: {
      errno: EEXIST,
      message: "An interface with the same name exists in the target netns",
      offset: null,
    },
  },
  { name: "refused without words", ack: { errno: EEXIST, message: null, offset: null } },
  {
    name: "refused for an attribute",
    ack: { errno: EINVAL, message: "MTU must be between 68 and 65535", offset: 32 },
  },
  {
    name: "refused for an attribute of a nest",
    ack: { errno: EINVAL, message: "Invalid source port range", offset: 60 },
  },
  {
    name: "refused and capped",
    ack: { errno: ERANGE, message: "Attribute failed policy validation", offset: 32 },
  },
  {
    name: "dump that ends with an errno",
    ack: { errno: ENOENT, message: "ipv4: FIB table does not exist", offset: null },
  },
])("$name", ({ name, ack }) => {
  expect(decodeAck(captured(FILE, name))).toEqual(ack);
});

test.each([
  { name: "refused for an attribute", attribute: "IFLA_MTU" },
  { name: "refused for an attribute of a nest", attribute: "IFLA_INFO_DATA" },
])("$name: the request that is echoed has $attribute there", ({ name, attribute }) => {
  const message = captured(FILE, name);
  const start = 4 + nlmsghdr.size + ifinfomsg.size;
  const offset = (decodeAck(message).offset ?? 0) - nlmsghdr.size - ifinfomsg.size;
  expect(IFLA.nameAt(message.payload.subarray(start), offset)).toBe(attribute);
});

test("a dump that ends with an errno is an error in the kernel's words", () => {
  const dump = () =>
    replay(FILE, "dump that ends with an errno", (connection) => connection.dump(getRoutesOf(7, "inet")));
  const refusal = new NetlinkError("list routes of device 7", ENOENT, "ipv4: FIB table does not exist", null);
  expect(dump).toThrow(refusal);
});
