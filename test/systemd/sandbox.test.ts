import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../packaging/bun-for.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { metric, parseExposition } from "../helpers/exposition.ts";
import { until } from "../helpers/until.ts";
import { boot, type Machine } from "./machine.ts";
import { type Packages, packages } from "./packages.ts";

// What the unit allows is enough for all that netdevd does, and not for more.

const UNIT = readFileSync(join(import.meta.dir, "../../systemd/netdevd.service"), "utf8");

let debs: Packages;
let machine: Machine;
beforeAll(async () => {
  debs = await packages();
  machine = await boot("bookworm", debs.folder);
  await machine.sh(`dpkg --install /opt/share/${debs.current}`);
  await machine.sh(`cat >/etc/netdevd/netdevd.toml <<'END'\n${CONFIG}\nEND`);
  await machine.sh("systemctl restart netdevd");
  await machine.netns.ip("link add d0 type veth peer name d0-far", "link set d0 up");
}, 240_000);
afterAll(async () => {
  await machine?.[Symbol.asyncDispose]();
});

const CONFIG = `
[[mapping]]
name = "for-c"
container = { id = "c*" }
  [[mapping.device]]
  match = { name = "d0" }
  name = "eth1"
`;

test("lintian finds nothing to tell of the package", () => {
  const options = ["--allow-root", "--fail-on", "error,warning,info"];
  expect(run(["lintian", ...options, join(debs.folder, debs.current)])).toBe("");
}, 120_000);

/** Each command as it is given, with its exit code where all is well. */
const CALLS: Readonly<Record<string, readonly [args: string, code: number]>> = {
  check: ["", 0],
  devices: ["", 0],
  doctor: ["", 0],
  // A namespace cannot be pinned in it, which a drill does not go without.
  drill: ["d0", 1],
  hold: ["", 0],
  hook: ["", 0],
  plan: ["/run/netdevd/state.json", 0],
  release: ["--all", 0],
  run: ["", 1],
  schema: ["", 0],
  status: ["", 0],
};

/** Makes a unit that runs one command line in the sandbox of the service, with a container's state on its stdin. */
async function inSandbox(unit: string, command: string): Promise<void> {
  const sandbox = UNIT.slice(UNIT.indexOf("WorkingDirectory="), UNIT.indexOf("[Install]"));
  const text = [
    "[Service]",
    "Type=oneshot",
    // What came of it can be asked for later.
    "RemainAfterExit=yes",
    `ExecStart=${command}`,
    "StandardInput=file:/run/netdevd/state.json",
    sandbox,
  ].join("\n");
  await machine.sh(`cat >/run/systemd/system/${unit}.service <<'END'\n${text}\nEND\nsystemctl daemon-reload`);
}

describe("in the sandbox of the service", () => {
  test.each(Array.from(COMMANDS.keys()))(
    "netdevd %s works",
    async (name) => {
      const [args, code] = CALLS[name] ?? ["", -1];
      await machine.sh("systemctl start netdevd; systemctl stop c1 || true; netdevd release --all");
      await machine.sh("systemd-run --quiet --collect --unit=c1 unshare --net sleep infinity; sleep 0.2");
      const { MainPID } = await machine.show("c1", "MainPID");
      const state = JSON.stringify({
        ociVersion: "1.0.2",
        id: "c1",
        status: "created",
        pid: Number(MainPID),
        bundle: "/",
      });
      await machine.sh(`echo '${state}' >/run/netdevd/state.json`);
      await inSandbox(`netdevd-${name}`, `/usr/bin/netdevd ${name} ${args}`);
      await machine.run("systemctl", "start", `netdevd-${name}`);
      const told = await machine.journal(`netdevd-${name}`);
      const came = await machine.show(`netdevd-${name}`, "ExecMainStatus", "ExecMainCode");
      // 1: CLD_EXITED.
      expect(came, told).toEqual({ ExecMainCode: "1", ExecMainStatus: String(code) });
      if (name === "drill") expect(told).toContain("cannot be kept");
      else expect(told).not.toContain("not permitted");
    },
    30_000,
  );

  test("every path answers, and /metrics has read of the process what it tells", async () => {
    await machine.sh(`printf '[http]\\nlisten = ["127.0.0.1:9469"]\\n' >/etc/netdevd/conf.d/port.toml`);
    await machine.sh("systemctl restart netdevd");
    const get = async (path: string) => {
      const request = `GET ${path} HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n`;
      const answer = await machine.sh(`exec 3<>/dev/tcp/127.0.0.1/9469; printf '${request}' >&3; cat <&3`);
      expect(answer, path).toMatch(/^HTTP\/1\.[01] 200 /);
      return answer.split("\r\n\r\n")[1] ?? "";
    };
    for (const path of ["/healthz", "/readyz", "/v1/status", "/v1/devices", "/openapi.json", "/"])
      await get(path);
    const families = parseExposition(await get("/metrics"));
    const { MainPID } = await machine.show("netdevd", "MainPID");
    const limit = await machine.sh(`prlimit --nofile --output SOFT --noheadings --pid ${MainPID}`);
    expect(metric(families, "process_max_fds")).toBe(Number(limit));
    expect(metric(families, "process_open_fds")).toBeGreaterThan(5);
    expect(metric(families, "netdevd_ready")).toBe(1);
    await machine.sh("rm /etc/netdevd/conf.d/port.toml; systemctl restart netdevd");
  }, 30_000);

  test("what it need not do is denied", async () => {
    const attempts = {
      mounting: "mount -t tmpfs none /run/netdevd",
      "a write outside of its folder": "touch /etc/netdevd/x",
      "another sysctl than a device's": "echo 1 >/proc/sys/kernel/sysrq",
      "a new user namespace": "unshare --user true",
      "giving a file away": "chown 1 /run/netdevd/state.json",
    };
    for (const [at, [what, attempt]] of Object.entries(attempts).entries()) {
      await inSandbox(`attempt-${at}`, `/bin/sh -c '${attempt}'`);
      expect((await machine.run("systemctl", "start", `attempt-${at}`)).code, what).toBe(1);
    }
    const sysctl = "/proc/sys/net/ipv4/conf/lo/arp_ignore";
    await inSandbox("sysctl", `/bin/sh -c 'echo 1 >${sysctl}; echo 0 >${sysctl}'`);
    expect((await machine.run("systemctl", "start", "sysctl")).code, "a device's sysctl").toBe(0);
  }, 30_000);
});

test("with no-tcp.conf the service does its work over the unix socket, and cannot listen on a port", async () => {
  await machine.sh("netdevd release --all; mkdir -p /run/systemd/system/netdevd.service.d");
  await machine.sh(
    "cp /usr/share/doc/netdevd/examples/netdevd.service.d/no-tcp.conf /run/systemd/system/netdevd.service.d/",
  );
  await machine.sh("systemctl daemon-reload; systemctl restart netdevd");
  await machine.sh("netdevd hook </run/netdevd/state.json; netdevd status c1; netdevd release c1");
  await machine.sh(`printf '[http]\\nlisten = ["127.0.0.1:9469"]\\n' >/etc/netdevd/conf.d/port.toml`);
  await machine.run("systemctl", "restart", "netdevd");
  await until("it to say so", async () => /cannot start: .*9469/.test(await machine.journal("netdevd")), {
    detail: () => machine.journal("netdevd"),
  });
}, 30_000);
