import { expect, test } from "bun:test";
import { driverOf } from "../../../ffi/ethtool.ts";
import { closeFd, netlinkSocket } from "../../../ffi/netns.ts";

test.each([
  ["lo, which has none", "lo"],
  ["a device that is not there", "none-such"],
  ["a name that is too long for the ioctl", "a-name-of-more-than-fifteen-bytes"],
])("%s tells no driver", (_, name) => {
  const fd = netlinkSocket();
  expect(driverOf(fd, name)).toBeNull();
  closeFd(fd);
});

test("a socket that is none tells no driver", () => expect(driverOf(-1, "lo")).toBeNull());
