import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { SyscallError } from "../../../ffi/errno.ts";
import { sendUnixDatagram } from "../../../ffi/unix-datagram.ts";
import {
  createNotifier,
  type Environment,
  type Notifier,
  NotifyError,
} from "../../../src/service/sd-notify.ts";
import { DatagramReceiver } from "../../helpers/datagram-receiver.ts";

const PID = 4711;

/** A notifier whose datagrams are kept. */
function recorded(env: Environment = { NOTIFY_SOCKET: "/run/systemd/notify" }) {
  const sent: { path: string; text: string; fds: readonly number[] }[] = [];
  const notifier = createNotifier(env, PID, (path, data, fds) => {
    sent.push({ path, text: new TextDecoder().decode(data), fds });
  });
  return { notifier, sent };
}

const calls: readonly (readonly [string, (notifier: Notifier) => NotifyError | null, string])[] = [
  ["ready", (n) => n.ready("2 mappings"), "READY=1\nSTATUS=2 mappings"],
  ["status", (n) => n.status("3 containers"), "STATUS=3 containers"],
  ["reloading", (n) => n.reloading(12_345n, "reads"), "RELOADING=1\nMONOTONIC_USEC=12345\nSTATUS=reads"],
  ["stopping", (n) => n.stopping("ends"), "STOPPING=1\nSTATUS=ends"],
  ["watchdog", (n) => n.watchdog(), "WATCHDOG=1"],
  ["storeFds", (n) => n.storeFds("ns.trainer-7", [5, 6]), "FDSTORE=1\nFDNAME=ns.trainer-7"],
];

describe("createNotifier", () => {
  test.each(calls)("%s says what sd_notify(3) has for it", (name, call, text) => {
    const { notifier, sent } = recorded();
    expect(call(notifier)).toBeNull();
    expect(sent).toEqual([{ path: "/run/systemd/notify", text, fds: name === "storeFds" ? [5, 6] : [] }]);
  });

  test.each(calls)("%s does nothing where nobody listens", (_, call) => {
    for (const env of [{}, { NOTIFY_SOCKET: "" }]) {
      const { notifier, sent } = recorded(env);
      expect(call(notifier)).toBeNull();
      expect(sent).toEqual([]);
    }
  });

  test.each(calls)("%s gives a failed send back", (_, call) => {
    const cause = new SyscallError("sendmsg", 111, "/run/systemd/notify");
    const notifier = createNotifier({ NOTIFY_SOCKET: "/run/systemd/notify" }, PID, () => {
      throw cause;
    });
    const failure = call(notifier);
    expect(failure).toBeInstanceOf(NotifyError);
    expect(failure?.message).toContain("ECONNREFUSED");
    expect(failure?.cause).toBe(cause);
  });

  test.each(["vsock:2:1234", "relative", "/", "@"])("NOTIFY_SOCKET=%s is told as no address", (socket) => {
    const { notifier, sent } = recorded({ NOTIFY_SOCKET: socket });
    expect(notifier.ready("x")?.message).toContain(socket);
    expect(sent).toEqual([]);
  });

  test("a status never becomes an assignment of its own", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "=", "\n", "\r", " ") }), (status) => {
        const { notifier, sent } = recorded();
        notifier.ready(status);
        const lines = sent[0]?.text.split(/[\r\n]/) ?? [];
        expect(lines).toHaveLength(2);
        expect(lines[1]).toStartWith("STATUS=");
      }),
    );
  });

  test.each(["", "a:b", "a\nREADY=1", "ü", "x".repeat(256)])("%p is not taken as the name of fds", (name) => {
    const { notifier, sent } = recorded();
    expect(notifier.storeFds(name, [3])).toBeInstanceOf(NotifyError);
    expect(sent).toEqual([]);
  });
});

describe("the watchdog's interval", () => {
  test.each<[Environment, number | null]>([
    [{}, null],
    [{ WATCHDOG_USEC: "" }, null],
    [{ WATCHDOG_USEC: "0" }, null],
    [{ WATCHDOG_USEC: "soon" }, null],
    [{ WATCHDOG_USEC: "8000000" }, 4000],
    [{ WATCHDOG_USEC: "1" }, 1],
    [{ WATCHDOG_USEC: "8000000", WATCHDOG_PID: String(PID) }, 4000],
    [{ WATCHDOG_USEC: "8000000", WATCHDOG_PID: "1" }, null],
  ])("of %p is %p ms", (env, interval) => {
    expect(recorded(env).notifier.watchdogInterval).toBe(interval);
  });
});

describe("over a real socket", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "netdevd-notify-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(["path", "abstract"])("all arrives at its %s address, fds included", (kind) => {
    const path = kind === "path" ? join(folder, "notify") : `@netdevd-notify-${process.pid}`;
    using manager = new DatagramReceiver(path);
    const notifier = createNotifier({ NOTIFY_SOCKET: path }, process.pid, sendUnixDatagram);
    for (const [name, call, text] of calls) {
      if (name === "storeFds") continue;
      expect(call(notifier)).toBeNull();
      expect(manager.receive()).toEqual({ text, fds: [] });
    }
    const own = openSync("/proc/self/ns/net", "r");
    expect(notifier.storeFds("home", [own])).toBeNull();
    const { text, fds } = manager.receive();
    expect(text).toBe("FDSTORE=1\nFDNAME=home");
    expect(fds.map((fd) => readlinkSync(`/proc/self/fd/${fd}`))).toEqual([readlinkSync("/proc/self/ns/net")]);
    for (const fd of [own, ...fds]) closeSync(fd);
  });

  test("a manager that is gone is told as a value", () => {
    const path = join(folder, "gone");
    const notifier = createNotifier({ NOTIFY_SOCKET: path }, process.pid, sendUnixDatagram);
    expect(notifier.ready("x")?.message).toContain("ENOENT");
  });
});
