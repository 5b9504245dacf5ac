import { expect, test } from "bun:test";
import fc from "fast-check";
import { addRoute, decodeRoute } from "../../../src/netlink/route-entry.ts";
import { route } from "../domain/arbitrary-route.ts";

const D0 = 7;

/** What the kernel tells of a route that it was asked for: the same, and how long it lasts in another member. */
function told(payload: Uint8Array) {
  return decodeRoute(payload, D0);
}

test("what was encoded is decoded, in every member that the request has", () => {
  fc.assert(
    fc.property(route, (one) => {
      const { lifetime: _, preference: __, ...rest } = told(addRoute(D0, one, "").payload);
      const { lifetime: ___, preference: ____, ...asked } = one;
      // Of an IPv6 route those nexthops are sent that are this device's: the others are there still.
      const nexthops =
        one.family === "inet" ? one.nexthops : one.nexthops.filter(({ device }) => device === null);
      expect(rest).toEqual({ ...asked, nexthops, nexthopId: null });
    }),
  );
});
