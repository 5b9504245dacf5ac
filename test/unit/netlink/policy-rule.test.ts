import { expect, test } from "bun:test";
import { DecodeError } from "../../../src/netlink/decode-error.ts";
import { decodeRule, FRA, fib_rule_hdr } from "../../../src/netlink/policy-rule.ts";

test("an address of a length that none has is a fault of the message, and of nothing else", () => {
  const names = FRA.encode({ FRA_IIFNAME: "d0", FRA_PRIORITY: 100 });
  // FRA_SRC, of one byte.
  const source = [5, 0, 2, 0, 192, 0, 0, 0];
  const payload = (rest: readonly number[]) => {
    const bytes = new Uint8Array(fib_rule_hdr.size + names.length + rest.length);
    bytes[0] = 2;
    bytes.set(names, fib_rule_hdr.size);
    bytes.set(rest, fib_rule_hdr.size + names.length);
    return bytes;
  };
  expect(decodeRule(payload([]), ["d0"])?.words).toBe("100: from all iif d0");
  expect(() => decodeRule(payload(source), ["d0"])).toThrow(DecodeError);
});
