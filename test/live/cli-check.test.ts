import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";

// "`netdevd check` reads the whole config and says `ok` with the number of mappings, or every fault as
// `FILE:LINE:COL: path: what is wrong, what was expected`: 0 / 2."

test("a good config is ok, with the number of its mappings", async () => {
  await using lab = await Lab.create();
  lab.configure(mappingFor("a", 'match = { name = "d0" }') + mappingFor("b", 'match = { name = "d1" }'));
  const { code, stdout } = await lab.netdevd("check");
  expect(code).toBe(0);
  expect(stdout).toMatch(/\bok\b/);
  expect(stdout).toMatch(/\b2\b/);
});

test("mappings of conf.d beside it are added", async () => {
  await using lab = await Lab.create();
  lab.configure(mappingFor("a", 'match = { name = "d0" }'));
  confD(lab, "20-b.toml", mappingFor("b", 'match = { name = "d1" }'));
  confD(lab, "10-c.toml", mappingFor("c", 'match = { name = "d2" }'));
  const { code, stdout } = await lab.netdevd("check");
  expect(code).toBe(0);
  expect(stdout).toMatch(/\b3\b/);
});

test("a setting given twice names both places", async () => {
  await using lab = await Lab.create();
  lab.configure(mappingFor("a", 'match = { name = "d0" }'));
  const second = confD(lab, "more.toml", `[daemon]\nspool = "/elsewhere"\n`);
  const { code, stderr } = await lab.netdevd("check");
  expect(code).toBe(2);
  expect(stderr).toContain(`${second}:2:`);
  expect(stderr).toContain(`${lab.config}:2`);
});

const faults: [title: string, mapping: string, says: RegExp][] = [
  [
    "an unknown key, with the nearest known one",
    mappingFor("a", 'match = { name = "d0" }\nmttu = 9000'),
    /mttu.*mtu/s,
  ],
  ["no condition at all", '[[mapping]]\nname = "m"\ncontainer = {}\n', /container/],
  [
    "a multicast MAC",
    mappingFor("a", 'match = { name = "d0" }\nmac = "01:00:5e:00:00:01"'),
    /mac.*multicast/s,
  ],
  ["a zero MAC", mappingFor("a", 'match = { name = "d0" }\nmac = "00:00:00:00:00:00"'), /mac/],
  [
    "a name of sixteen letters",
    mappingFor("a", 'match = { name = "d0" }\nname = "sixteen-letters!"'),
    /name.*15/s,
  ],
  ["a name with two patterns", mappingFor("a", 'match = { name = "d0" }\nname = "a%db%d"'), /name/],
  [
    "an address that is none",
    mappingFor("a", 'match = { name = "d0" }\naddresses = ["192.0.2.256/24"]'),
    /addresses/,
  ],
  [
    "two devices under one name",
    mappingFor("a", 'match = { name = "d0" }\nname = "x"', 'match = { name = "d1" }\nname = "x"'),
    /name.*"x"/,
  ],
  ["a count of nothing", mappingFor("a", 'match = { name = "d0" }\ncount = 0'), /count/],
  ["an MTU that is text", mappingFor("a", 'match = { name = "d0" }\nmtu = "9000"'), /mtu/],
  ["the same mapping twice", mappingFor("a", 'match = { name = "d0" }').repeat(2), /for-a/],
  [
    "both spellings of devices",
    `${mappingFor("a", 'match = { name = "d0" }')}[[mapping.netDevices]]\nname = "d0"\n`,
    /netDevices/,
  ],
];

for (const [title, mapping, says] of faults) {
  test(`told with file, line and column: ${title}`, async () => {
    await using lab = await Lab.create();
    lab.configure(mapping);
    const { code, stderr } = await lab.netdevd("check");
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^${lab.config}:\\d+:\\d+: `, "m"));
    expect(stderr).toMatch(says);
  });
}

test("every fault is told at once, each at its own line", async () => {
  await using lab = await Lab.create();
  lab.configure(mappingFor("a", 'match = { name = "d0" }\nmtu = -1\nmac = "x"\nnmae = "eth1"'));
  const { code, stderr } = await lab.netdevd("check");
  expect(code).toBe(2);
  const places = stderr.split("\n").filter((line) => line.startsWith(`${lab.config}:`));
  expect(places).toHaveLength(3);
  expect(new Set(places.map((line) => line.split(":")[1])).size).toBe(3);
});

test("text that is no TOML is told with its place", async () => {
  await using lab = await Lab.create();
  writeFileSync(lab.config, '[daemon]\nspool = "unclosed\n');
  const { code, stderr } = await lab.netdevd("check");
  expect(code).toBe(2);
  expect(stderr).toContain(`${lab.config}:2:`);
});

function confD(lab: Lab, name: string, text: string): string {
  const folder = join(dirname(lab.config), "conf.d");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}
