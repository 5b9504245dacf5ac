import { expect } from "bun:test";
import { join } from "node:path";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { type Output, run } from "../helpers/command.ts";
import { test } from "../helpers/live-test.ts";
import { netdevd } from "../helpers/program.ts";

const COMMANDS = ["run", "check", "plan", "hook", "status", "devices", "release", "drill", "doctor"];

const told = (...args: string[]): Promise<Output> => run(netdevd(...args));

test("--version tells the version of the package", async () => {
  const { version } = await Bun.file(join(import.meta.dir, "../../package.json")).json();
  const { code, stdout } = await told("--version");
  expect(code).toBe(0);
  expect(stdout).toContain(version);
});

test("--help names every command", async () => {
  const { code, stdout } = await told("--help");
  expect(code).toBe(0);
  for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`\\b${command}\\b`));
});

for (const command of COMMANDS) {
  test(`${command} --help tells of ${command} and does nothing`, async () => {
    const { code, stdout, stderr } = await told(command, "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(command);
    expect(stdout).toContain("--config");
  });
}

test("schema prints the JSON Schema of the config file, and reads no config", async () => {
  const { code, stdout, stderr } = await told("schema");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
  expect((await told("schema", "--help")).stdout).not.toContain("--config");
});

const wrong: string[][] = [
  [],
  ["fly"],
  ["--fly"],
  ["run", "--fly"],
  ["run", "twice"],
  ["check", "--config"],
  ["check", "something"],
  ["plan"],
  ["plan", "a.json", "b.json"],
  ["hook", "state.json"],
  ["hook", "--timeout", "soon"],
  ["hook", "--timeout"],
  ["status", "a", "b"],
  ["devices", "d0"],
  ["doctor", "who"],
  ["drill"],
  ["drill", "d0", "d1"],
  ["drill", "d0", "--stay", "soon"],
  ["drill", "d0", "--timeout"],
  ["schema", "x"],
  ["schema", "--config", "x.toml"],
  ["release"],
  ["release", "c1", "--all"],
  ["release", "c1", "c2"],
];

for (const args of wrong) {
  test(`a usage error exits 2 and says so on stderr: netdevd ${args.join(" ")}`, async () => {
    const { code, stdout, stderr } = await told(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toBe("");
  });
}
