import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { SyscallError } from "../../../ffi/errno.ts";
import { closeFd } from "../../../ffi/netns.ts";
import { openPipe, waitForHangup } from "../../../ffi/pipe.ts";
import { sendUnixDatagram } from "../../../ffi/unix-datagram.ts";
import { notifierFor } from "../../../src/service/notifier.ts";
import {
  createNotifier,
  type Environment,
  type Notifier,
  NotifyError,
  type Pipes,
  type SendDatagram,
} from "../../../src/service/sd-notify.ts";
import { DatagramReceiver } from "../../helpers/datagram-receiver.ts";
import { until } from "../../helpers/until.ts";

const PID = 4711;

/** A manager that answers at once. */
const noPipes: Pipes = {
  open: () => ({ readEnd: 8, writeEnd: 9 }),
  waitForHangup: () => true,
  close: () => undefined,
};

/** A notifier whose datagrams are kept. */
function recorded(env: Environment = { NOTIFY_SOCKET: "/run/systemd/notify" }) {
  const sent: { path: string; text: string; fds: readonly number[] }[] = [];
  const send: SendDatagram = (path, data, fds) => {
    sent.push({ path, text: new TextDecoder().decode(data), fds });
  };
  return { notifier: createNotifier(env, PID, send, noPipes), sent };
}

const calls: readonly (readonly [string, (notifier: Notifier) => NotifyError | null, string])[] = [
  ["ready", (n) => n.ready("2 mappings"), "READY=1\nSTATUS=2 mappings"],
  ["status", (n) => n.status("3 containers"), "STATUS=3 containers"],
  ["reloading", (n) => n.reloading(12_345n, "reads"), "RELOADING=1\nMONOTONIC_USEC=12345\nSTATUS=reads"],
  ["stopping", (n) => n.stopping("ends"), "STOPPING=1\nSTATUS=ends"],
  ["watchdog", (n) => n.watchdog(), "WATCHDOG=1"],
  ["storeFds", (n) => n.storeFds("netns-7", [5, 6]), "FDSTORE=1\nFDNAME=netns-7"],
  ["forgetFds", (n) => n.forgetFds("netns-7"), "FDSTOREREMOVE=1\nFDNAME=netns-7"],
  ["barrier", (n) => n.barrier(), "BARRIER=1"],
];
/** What goes along with it. */
const FDS: Readonly<Record<string, readonly number[]>> = { storeFds: [5, 6], barrier: [9] };

describe("createNotifier", () => {
  test.each(calls)("%s says what sd_notify(3) has for it", (name, call, text) => {
    const { notifier, sent } = recorded();
    expect(call(notifier)).toBeNull();
    expect(sent).toEqual([{ path: "/run/systemd/notify", text, fds: FDS[name] ?? [] }]);
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
    const send = () => {
      throw cause;
    };
    const notifier = createNotifier({ NOTIFY_SOCKET: "/run/systemd/notify" }, PID, send, noPipes);
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
    const notifier = notifierFor({ NOTIFY_SOCKET: path });
    for (const [name, call, text] of calls) {
      if (name in FDS) continue;
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

  test("a barrier is passed once the manager has closed its end, and not before", async () => {
    const path = join(folder, "barrier");
    using manager = new DatagramReceiver(path);
    const notifier = notifierFor({ NOTIFY_SOCKET: path });
    // Plays the manager in a process of its own: the barrier blocks this one.
    const script = `
      import { DatagramReceiver } from ${JSON.stringify(join(import.meta.dir, "../../helpers/datagram-receiver.ts"))};
      import { closeSync } from "node:fs";
      const manager = new DatagramReceiver(${JSON.stringify(`${path}-2`)});
      console.log("there");
      for (;;) {
        try {
          const { fds, text } = manager.receive();
          await Bun.sleep(100);
          for (const fd of fds) closeSync(fd);
          console.log(text);
          break;
        } catch { await Bun.sleep(1); }
      }`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    await until("the manager", () => existsSync(`${path}-2`));
    const begun = performance.now();
    expect(notifierFor({ NOTIFY_SOCKET: `${path}-2` }).barrier()).toBeNull();
    expect(performance.now() - begun).toBeGreaterThan(90);
    expect(await child.stdout.text()).toBe("there\nBARRIER=1\n");
    const before = readdirSync("/proc/self/fd").length;
    // Here nobody reads: what is told instead is that nobody answered.
    const impatient = createNotifier({ NOTIFY_SOCKET: path }, PID, sendUnixDatagram, {
      open: openPipe,
      waitForHangup: (fd) => waitForHangup(fd, 20),
      close: closeFd,
    });
    expect(impatient.barrier()?.message).toContain("not answered");
    for (const fd of manager.receive().fds) closeSync(fd);
    expect(notifier.ready("x")).toBeNull();
    expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
  });

  test("a manager that is gone is told as a value", () => {
    const path = join(folder, "gone");
    const notifier = notifierFor({ NOTIFY_SOCKET: path });
    expect(notifier.ready("x")?.message).toContain("ENOENT");
  });
});
