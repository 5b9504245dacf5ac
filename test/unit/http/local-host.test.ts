import { describe, expect, test } from "bun:test";
import { isLocalHost } from "../../../src/http/local-host.ts";

describe("isLocalHost", () => {
  test.each([
    "localhost",
    "LocalHost",
    "localhost:9469",
    "localhost:",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.255.1.2",
    "[::1]",
    "[::1]:9469",
    "[0:0:0:0:0:0:0:1]:1",
  ])("%s is", (host) => expect(isLocalHost(host)).toBe(true));

  test.each([
    "",
    ":80",
    "example.com",
    "localhost.example.com",
    "127.0.0.1.example.com",
    "notlocalhost",
    "localhost:80:80",
    "localhost:port",
    "localhost, example.com",
    "user@localhost",
    "localhost/",
    "128.0.0.1",
    "0.0.0.0",
    "127.1",
    "2130706433",
    "::1",
    "[::2]",
    "[::]",
    "[::1",
    "[localhost]",
    "[127.0.0.1]",
    "x[::1]",
  ])("%p is not", (host) => expect(isLocalHost(host)).toBe(false));
});
