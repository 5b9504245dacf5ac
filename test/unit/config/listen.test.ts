import { describe, expect, test } from "bun:test";
import type { Listen } from "../../../src/config/config.ts";
import { LISTEN, parseListen } from "../../../src/config/listen.ts";

const places: [string, Listen][] = [
  ["unix:/run/netdevd/netdevd.sock", { type: "unix", path: "/run/netdevd/netdevd.sock" }],
  [`unix:/${"a".repeat(106)}`, { type: "unix", path: `/${"a".repeat(106)}` }],
  ["127.0.0.1:9469", { type: "tcp", hostname: "127.0.0.1", port: 9469 }],
  ["127.255.0.7:1", { type: "tcp", hostname: "127.255.0.7", port: 1 }],
  ["127.0.0.1:0", { type: "tcp", hostname: "127.0.0.1", port: 0 }],
  ["127.0.0.1:65535", { type: "tcp", hostname: "127.0.0.1", port: 65535 }],
  ["[::1]:9469", { type: "tcp", hostname: "::1", port: 9469 }],
  ["[0:0:0:0:0:0:0:1]:9469", { type: "tcp", hostname: "::1", port: 9469 }],
];

test.each(places)("%p is a place to listen at", (text, value) => {
  expect(parseListen(text)).toEqual({ ok: true, value });
});

const OUTSIDE = "is no loopback address, and netdevd is not to be seen from outside";

describe("is none:", () => {
  test.each([
    ["", '"" is no place to listen at', LISTEN],
    ["9469", '"9469" is no place to listen at', LISTEN],
    [":9469", '":9469" is no place to listen at', LISTEN],
    ["localhost:9469", '"localhost:9469" is no place to listen at', LISTEN],
    ["127.0.0.1", '"127.0.0.1" is no place to listen at', LISTEN],
    ["127.0.0.1:", '"127.0.0.1:" is no place to listen at', LISTEN],
    ["127.0.0.1:-1", '"127.0.0.1:-1" is no place to listen at', LISTEN],
    ["127.0.0.1:9469/x", '"127.0.0.1:9469/x" is no place to listen at', LISTEN],
    ["127.1:9469", '"127.1:9469" is no place to listen at', LISTEN],
    ["[127.0.0.1]:9469", '"[127.0.0.1]:9469" is no place to listen at', LISTEN],
    ["::1:9469", '"::1:9469" is no place to listen at', LISTEN],
    ["0.0.0.0:9469", `0.0.0.0 ${OUTSIDE}`, LISTEN],
    ["192.168.0.1:9469", `192.168.0.1 ${OUTSIDE}`, LISTEN],
    ["128.0.0.1:9469", `128.0.0.1 ${OUTSIDE}`, LISTEN],
    ["[::]:9469", `:: ${OUTSIDE}`, LISTEN],
    ["[::2]:9469", `::2 ${OUTSIDE}`, LISTEN],
    ["[::ffff:127.0.0.1]:9469", `::ffff:127.0.0.1 ${OUTSIDE}`, LISTEN],
    ["127.0.0.1:65536", "65536 is no port", "a port from 0 (any free one) to 65535"],
    ["unix:", '"unix:" names no socket by an absolute path', LISTEN],
    ["unix:netdevd.sock", '"unix:netdevd.sock" names no socket by an absolute path', LISTEN],
    ["unix:@netdevd", '"unix:@netdevd" names no socket by an absolute path', LISTEN],
    ["unix:/run/", '"unix:/run/" names no socket by an absolute path', LISTEN],
    ["unix:/a\0b", '"unix:/a\\u0000b" names no socket by an absolute path', LISTEN],
    [
      `unix:/${"ä".repeat(54)}`,
      "the socket's path has 109 bytes",
      "107 bytes at most, which is all that a socket address holds",
    ],
  ])("%p", (text, message, expected) => {
    expect(parseListen(text)).toEqual({ ok: false, message, expected });
  });
});
