import { expect, test } from "bun:test";
import { MOST_DAEMON_ROUTES } from "../../../src/domain/routes.ts";
import { readRoutes } from "../../../src/engine/routes-reader.ts";
import type { Message } from "../../../src/netlink/message.ts";
import { addRoute } from "../../../src/netlink/route-entry.ts";
import { routeOf } from "../domain/samples.ts";

const [STATIC, BGP, BIRD] = [4, 186, 12];

function messages(protocol: number, count: number): Message[] {
  const { type, flags, payload } = addRoute(7, routeOf("10.9.0.0/16", { protocol }), "add");
  return Array.from({ length: count }, () => ({ type, flags, sequence: 1, port: 0, payload }));
}

function read(...told: Message[][]) {
  const { routes, daemonRoutes } = readRoutes(
    { of: (_, family) => told[family === "inet" ? 0 : 1] ?? [] },
    7,
  );
  return { routes: routes.length, daemonRoutes };
}

test("routes of routing daemons are kept up to a bound over both families, and counted alone above it", () => {
  const half = MOST_DAEMON_ROUTES / 2;
  const few = messages(STATIC, 3);
  expect(read([...few, ...messages(BGP, half)], messages(BIRD, half))).toEqual({
    routes: MOST_DAEMON_ROUTES + 3,
    daemonRoutes: 0,
  });
  expect(read([...few, ...messages(BGP, half)], messages(BIRD, half + 1))).toEqual({
    routes: 3,
    daemonRoutes: MOST_DAEMON_ROUTES + 1,
  });
});

test("routes that no daemon sets again are kept, however many there are", () => {
  const many = MOST_DAEMON_ROUTES + 1;
  expect(read(messages(STATIC, many))).toEqual({ routes: many, daemonRoutes: 0 });
});
