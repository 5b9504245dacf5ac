import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { interfaceNameFault } from "../../src/domain/interface-name.ts";
import { notAllowed, withNetDevices } from "../../src/domain/net-devices.ts";
import { parseNetDevices } from "../../src/spool/bundle-file.ts";
import { parseEvent } from "../../src/spool/event-file.ts";
import { startDaemon } from "../sim/model/daemon.ts";
import { pictureOf } from "../sim/model/picture.ts";
import { FOLDER, load } from "../unit/config/given-files.ts";
import { mappingFor } from "../unit/engine/events.ts";
import { machineWith } from "../unit/engine/host.ts";
import { damaged, HOUR_MS, INPUTS, inTime } from "./inputs.ts";

// Whatever is written into a config or an event: a value, or faults that say where; nothing is thrown, nothing hangs.
// INPUTS=1000000 tries a million of each.

const EXAMPLES = new URL("../../config/examples/", import.meta.url).pathname;
const configs = readdirSync(EXAMPLES).map((name) => readFileSync(EXAMPLES + name, "utf8"));
const events = [
  '{"ociVersion":"1.0.2","id":"t-7","status":"creating","pid":4711,"bundle":"/b","annotations":{"a":"b"}}',
  '{"id":"t-7","status":"running","netns":"/run/netns/t-7"}',
  '{"id":"t-7","status":"stopped"}',
  '{"release":"t-7"}',
  '{"release":true}',
];
const bundles = [
  '{"ociVersion":"1.3.0","linux":{"netDevices":{"eth0":{"name":"container_eth0"},"ens4":{},"ens5":{}}}}',
  '{"process":{"args":["sh"]},"linux":{"namespaces":[{"type":"network"}],"netDevices":{"d*":{"name":"net%d"}}}}',
  '{"ociVersion":"1.0.2","linux":{"netDevices":null}}',
];
async function aConfigOrFaults(text: string): Promise<void> {
  const result = await load({ "netdevd.toml": text });
  if (result.ok) return;
  expect(result.faults.length).toBeGreaterThan(0);
  const lines = text.split("\n");
  for (const { file, line, column } of result.faults) {
    expect(file).toStartWith(FOLDER);
    const length = lines[line - 1]?.length ?? -1;
    if (column < 1 || column > length + 1) throw new Error(`${line}:${column} is no place in the file`);
  }
}

function anEventOrARefusal(text: string): void {
  const result = parseEvent("e.json", Buffer.from(text), 0);
  expect(["container", "release", "refusal"]).toContain(result.type);
}

function namesOrAProblem(text: string): void {
  const read = parseNetDevices("/b/config.json", Buffer.from(text));
  if (!read.ok) {
    expect(["bundle-invalid", "name-invalid"]).toContain(read.problem.code);
    expect(read.problem.message).toStartWith("/b/config.json: ");
    return;
  }
  for (const { hostName, name } of read.netDevices) {
    expect(interfaceNameFault(hostName, false)).toBeNull();
    if (name !== null) expect(interfaceNameFault(name, true)).toBeNull();
  }
  const { netDevices } = read;
  expect(notAllowed("/b", netDevices, []) === null).toBe(netDevices.length === 0);
  expect(withNetDevices(null, netDevices)?.devices.length ?? 0).toBe(netDevices.length);
}

test(
  `${INPUTS} configs: each is one, or has faults that are in it`,
  async () => {
    const property = fc.asyncProperty(damaged(configs), (text) => inTime(() => aConfigOrFaults(text)));
    await fc.assert(property, { numRuns: INPUTS });
  },
  HOUR_MS,
);

test(
  `${INPUTS} events: each is one, or is refused`,
  async () => {
    const property = fc.asyncProperty(damaged(events), (text) => inTime(() => anEventOrARefusal(text)));
    await fc.assert(property, { numRuns: INPUTS });
  },
  HOUR_MS,
);

test(
  `${INPUTS} configs of bundles: each asks for devices that there may be, or has a fault that is told`,
  async () => {
    const property = fc.asyncProperty(damaged(bundles), (text) => inTime(() => namesOrAProblem(text)));
    await fc.assert(property, { numRuns: INPUTS });
  },
  HOUR_MS,
);

test(
  `${INPUTS / 10} events that name no container of this machine: each is answered, and no device is touched`,
  async () => {
    const machine = machineWith("hardware", "veth", "tap");
    const before = pictureOf(machine.world, machine.home);
    const outcomes = new Map<string, number>();
    using daemon = await startDaemon(machine, {
      mappings: [mappingFor("*", { match: { name: "*" }, count: "all" })],
    });
    const property = fc.asyncProperty(damaged(events), async (text) => {
      const event = parseEvent("e.json", Buffer.from(text), Date.now());
      if (event.type === "refusal") return;
      const { outcome, error } = await daemon.engine.handle(event);
      expect(error?.code).not.toBe("internal");
      expect(["refused", "unchanged", "no-mapping"]).toContain(outcome);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    });
    await fc.assert(property, { numRuns: INPUTS / 10 });
    console.log(`events: ${JSON.stringify(Object.fromEntries(outcomes))}`);
    expect(outcomes.get("refused") ?? 0).toBeGreaterThan(INPUTS / 1000);
    expect(daemon.engine.attachments()).toEqual([]);
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  },
  HOUR_MS,
);
