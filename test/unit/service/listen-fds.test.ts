import { expect, test } from "bun:test";
import { passedFds } from "../../../src/service/listen-fds.ts";
import type { Environment } from "../../../src/service/sd-notify.ts";

const PID = 4711;

test.each<[string, Environment, { name: string; fd: number }[]]>([
  ["nothing", {}, []],
  ["no LISTEN_PID", { LISTEN_FDS: "1", LISTEN_FDNAMES: "a" }, []],
  ["another's", { LISTEN_PID: "4712", LISTEN_FDS: "1", LISTEN_FDNAMES: "a" }, []],
  ["no number", { LISTEN_PID: "4711", LISTEN_FDS: "x" }, []],
  ["none", { LISTEN_PID: "4711", LISTEN_FDS: "0" }, []],
  ["a negative number", { LISTEN_PID: "4711", LISTEN_FDS: "-1" }, []],
  ["absurdly many", { LISTEN_PID: "4711", LISTEN_FDS: "99999999" }, []],
  ["one without a name", { LISTEN_PID: "4711", LISTEN_FDS: "1" }, [{ name: "", fd: 3 }]],
  [
    "two",
    { LISTEN_PID: "4711", LISTEN_FDS: "2", LISTEN_FDNAMES: "netns-8:netns-7" },
    [
      { name: "netns-8", fd: 3 },
      { name: "netns-7", fd: 4 },
    ],
  ],
])("of %s", (_, env, fds) => {
  expect(passedFds(env, PID)).toEqual(fds);
});
