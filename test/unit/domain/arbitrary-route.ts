import fc from "fast-check";
import type { Nexthop, Route } from "../../../src/domain/route.ts";

const host = fc.integer({ min: 1, max: 4 });

function nexthops(family: Route["family"]): fc.Arbitrary<Nexthop[]> {
  const gateway = fc.oneof(
    host.map((number) => (family === "inet" ? `192.0.2.${number}` : `2001:db8::${number}`)),
    fc.constantFrom(null, "fe80::1"),
  );
  const nexthop = fc.record({
    device: fc.constantFrom(null, null, 8),
    gateway,
    onlink: fc.boolean(),
    weight: fc.integer({ min: 1, max: 256 }),
  });
  const one = gateway.chain((via) =>
    fc.record({
      device: fc.constant(null),
      gateway: fc.constant(via),
      onlink: fc.boolean(),
      weight: fc.constant(1),
    }),
  );
  const several = fc
    .array(nexthop, { minLength: 2, maxLength: 3 })
    // One of them at least is the device's, or it would be none of its routes.
    .map(([first, ...rest]) => [{ ...first, device: null } as Nexthop, ...rest]);
  return fc.oneof(
    one.map((only) => [only]),
    several,
  );
}

/** Any route of a device that can be asked for, of which many are to the same place. */
export const route: fc.Arbitrary<Route> = fc.constantFrom("inet" as const, "inet6" as const).chain((family) =>
  fc
    .record({
      to: host,
      isDefault: fc.boolean(),
      table: fc.constantFrom(254, 77, 4711),
      scope: fc.constantFrom(0, 253),
      protocol: fc.constantFrom(3, 4, 186),
      tos: fc.constantFrom(0, 0x10),
      metric: fc.constantFrom(null, 100, 1024),
      source: fc.boolean(),
      realm: fc.constantFrom(null, 0x30004),
      nexthops: nexthops(family),
      metrics: fc.constantFrom({}, { "2": 1400 }, { "1": 4, "2": 1400, "16": "cubic" }),
      preference: family === "inet" ? fc.constant(null) : fc.constantFrom(0, 1, 3),
      lifetime: family === "inet" ? fc.constant(null) : fc.constantFrom(null, 30, 600),
    })
    .map(({ to, isDefault, source, ...rest }) => ({
      ...rest,
      family,
      to:
        family === "inet" ? (isDefault ? "0.0.0.0" : `10.${to}.0.0`) : isDefault ? "::" : `2001:db8:${to}::`,
      prefixLength: isDefault ? 0 : family === "inet" ? 16 : 48,
      from: null,
      fromLength: 0,
      type: 1,
      source: source ? (family === "inet" ? "192.0.2.1" : "2001:db8::1") : null,
      nexthopId: null,
      encapsulated: false,
    })),
);
