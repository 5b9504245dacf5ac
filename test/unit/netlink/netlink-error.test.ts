import { describe, expect, test } from "bun:test";
import { DumpInterruptedError, NetlinkError } from "../../../src/netlink/netlink-error.ts";

const EINVAL = 22;

describe("NetlinkError", () => {
  test.each([
    {
      words: "mtu less than device minimum",
      attribute: "IFLA_MTU",
      message: "move eth1: EINVAL: mtu less than device minimum (IFLA_MTU)",
    },
    { words: "no", attribute: null, message: "move eth1: EINVAL: no" },
    { words: null, attribute: "IFLA_MTU", message: "move eth1: EINVAL: invalid argument (IFLA_MTU)" },
    { words: null, attribute: null, message: "move eth1: EINVAL: invalid argument" },
  ])("$message", ({ words, attribute, message }) => {
    const error = new NetlinkError("move eth1", EINVAL, words, attribute);
    expect({ ...error, message: error.message }).toEqual({
      name: "NetlinkError",
      about: "move eth1",
      errno: EINVAL,
      code: "EINVAL",
      kernelMessage: words,
      attribute,
      message,
    });
    expect(error).toBeInstanceOf(Error);
  });
});

test("DumpInterruptedError says what was read how often", () => {
  const { message, about, tries } = new DumpInterruptedError("list devices", 10);
  expect({ about, tries }).toEqual({ about: "list devices", tries: 10 });
  expect(message).toBe(
    "list devices: interrupted 10 times: the kernel's tables change faster than they can be read",
  );
});
