import { expect } from "bun:test";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingWith } from "../helpers/mapping.ts";

// "required = false: a device that is not to be had is a warning, the rest goes on."

const OPTIONAL = mappingWith("*", "required = false", 'match = { name = "d1" }', 'match = { name = "d2" }');

async function labWith(...commands: string[]): Promise<Lab> {
  const lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d1"), ...commands);
  await lab.start(OPTIONAL);
  return lab;
}

test("a device that is missing is a warning", async () => {
  await using lab = await labWith();
  const verdict = await lab.attach("c1", await lab.container());
  expect(verdict).toMatchObject({
    outcome: "attached",
    devices: [{ host_name: "d1", name: "d1" }],
    warnings: [{ code: "device-missing", message: expect.stringContaining("d2") }],
    error: null,
  });
});

test("a device that is guarded is a warning", async () => {
  await using lab = await labWith("link add d2 type bridge");
  const verdict = await lab.attach("c1", await lab.container());
  expect(verdict).toMatchObject({
    outcome: "attached",
    devices: [{ host_name: "d1" }],
    warnings: [{ code: "device-guarded", device: "d2" }],
    error: null,
  });
});

test("a device that another container holds is a warning", async () => {
  await using lab = await labWith();
  const first = await lab.container();
  expect((await lab.attach("c1", first)).devices).toHaveLength(1);
  await lab.host.ip(...makeDevice("ifb", "d2"));
  const verdict = await lab.attach("c2", await lab.container());
  expect(verdict).toMatchObject({
    outcome: "attached",
    devices: [{ host_name: "d2" }],
    warnings: [{ code: "device-held", device: "d1" }],
    error: null,
  });
});

test("the warnings of a verdict are told in status as well", async () => {
  await using lab = await labWith();
  await lab.attach("c1", await lab.container());
  const { containers } = await lab.daemon.status();
  expect(containers).toMatchObject([{ id: "c1", warnings: [{ code: "device-missing" }], error: null }]);
});
