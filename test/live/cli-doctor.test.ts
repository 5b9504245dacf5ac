import { expect } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { netdevd } from "../helpers/program.ts";

// "`netdevd doctor`: kernel, capabilities, folders, network managers, runtimes' hook folders, daemon: each line pass,
// warn or fail with the mend: 0 no fail, 1."

const lines = (stdout: string, about: string) =>
  stdout.split("\n").filter((line) => line.split(/ {2}|: /)[1] === about);

test("each line is pass, warn or fail, what is not well says what mends it, and with a daemon nothing fails", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const { code, stdout, stderr } = await lab.netdevd("doctor");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const line of stdout.trimEnd().split("\n")) {
    expect(line).toMatch(/^(pass {2}.+|warn {2}.+; mend: .+)$/);
  }
  for (const about of ["config", "kernel", "capabilities", "namespaces", "spool", "results", "state"]) {
    expect(lines(stdout, about)).toHaveLength(1);
  }
  expect(lines(stdout, "daemon")).toEqual(["pass  daemon: runs, and is ready"]);
});

test("a spool that others may write to fails, with the command that mends it", async () => {
  await using lab = await Lab.create();
  lab.configure(D0_AS_ETH1);
  chmodSync(lab.spoolFolder, 0o777);
  const { code, stdout } = await lab.netdevd("doctor");
  expect(code).toBe(1);
  expect(lines(stdout, "spool").join()).toMatch(/^fail {2}spool: .*0777.*; mend: chmod 0700 /);
  expect(lines(stdout, "daemon").join()).toStartWith("warn");
});

test("a config at fault fails, and the rest is looked at all the same", async () => {
  await using lab = await Lab.create();
  writeFileSync(lab.config, "spool = 3\n");
  const { code, stdout } = await lab.netdevd("doctor");
  expect(code).toBe(1);
  expect(lines(stdout, "config").join()).toContain("1 fault");
  expect(lines(stdout, "kernel")).toHaveLength(1);
});

test("without the capability to enter namespaces it fails and says which is missing; it does not crash", async () => {
  await using lab = await Lab.create();
  lab.configure(D0_AS_ETH1);
  const without = ["setpriv", "--bounding-set=-sys_admin"];
  const { code, stdout, stderr } = await lab.onHost(...without, ...netdevd("doctor", "--config", lab.config));
  expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
  expect(lines(stdout, "capabilities").join()).toMatch(/^fail .*CAP_SYS_ADMIN/);
  expect(lines(stdout, "namespaces").join()).toMatch(/^fail .*EPERM/);
});
