import { expect, test } from "bun:test";
import { DEV_MCAST, decodeMulticasts } from "../../../src/engine/multicasts-reader.ts";
import type { System } from "../../../src/engine/system.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { attachEvent, mappingFor, releaseEvent } from "./events.ts";
import { deviceIn, machineWith, startContainer } from "./host.ts";

test("those with static users are told, by ifindex", () => {
  // Of Linux 6.18; the last one is of an InfiniBand device.
  const text = [
    "2    d1              1     0     333300000001",
    "3    d0              2     0     333300000001",
    "3    d0              3     1     01005e000001",
    "3    d0              2     1     333300007777",
    "1042 a-name-15-bytes 1     1     333300008888",
    "5    ib0             1     1     00ffffffff12401bffff00000000000000000001",
    "",
  ].join("\n");
  expect(Array.from(decodeMulticasts(text))).toEqual([
    [3, ["01:00:5e:00:00:01", "33:33:00:00:77:77"]],
    [1042, ["33:33:00:00:88:88"]],
    [5, ["00:ff:ff:ff:ff:12:40:1b:ff:ff:00:00:00:00:00:00:00:00:00:01"]],
  ]);
});

test.each(["", "\n", "3 d0 1 1\n", "3 d0 1 1 xyz\n", "3 d0 1 1 333\n", "d0 1 1 333300000001\n"])(
  "what is no such list tells of none: %j",
  (text) => {
    expect(decodeMulticasts(text).size).toBe(0);
  },
);

test("the list is read once for an attach, and on the way home only of a device that had some, never inside", async () => {
  const reads: boolean[] = [];
  const watched = (system: System): System => ({
    ...system,
    readSysctl(namespace, path) {
      if (path === DEV_MCAST) reads.push(namespace === system.homeFd);
      return system.readSysctl(namespace, path);
    },
  });
  const machine = machineWith("veth", "ifb");
  const mappings = [mappingFor("c*", { match: { name: "d0" } }, { match: { name: "d1" } })];
  using daemon = await startDaemon(machine, { mappings, system: watched });
  const goAndCome = async () => {
    reads.length = 0;
    const attach = await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
    expect(attach.outcome).toBe("attached");
    const there = reads.splice(0);
    expect((await daemon.engine.handle(releaseEvent("c1"))).outcome).toBe("returned");
    return { there, back: reads.splice(0) };
  };
  expect(await goAndCome()).toEqual({ there: [true], back: [] });
  deviceIn(machine.home, "d1").multicasts.push("33:33:00:00:77:77");
  const { there, back } = await goAndCome();
  expect(there[0]).toBe(true);
  expect([...there, ...back]).not.toContain(false);
  expect({ there: there.length, back: back.length }).toEqual({ there: 1, back: 1 });
});
