import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { SyscallError } from "../../../ffi/errno.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import { createFuse, refuseChange, refusingSystem } from "../../sim/model/faults.ts";
import { addLink, deleteLink } from "../../sim/model/links.ts";
import { attachmentsOf } from "../../sim/model/memory-journal.ts";
import { pictureOf } from "../../sim/model/picture.ts";
import { kill } from "../../sim/model/processes.ts";
import { bundleEvent, type Given, namesIn, sceneOf } from "./bundle-scene.ts";
import { mappingFor, releaseEvent, stoppedEvent } from "./events.ts";
import { addDevice, change, deviceIn, startContainer } from "./host.ts";

// "One namespace may have several holders (a pod's containers)", each with a bundle of its own.

describe("a pod's containers", () => {
  test("share what their bundles ask for alike, and the last one to end gives it back", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d0: "net%d" }, "/c2": { d0: "net%d" } });
    using daemon = await start();
    const first = startContainer(machine);
    const second = startContainer(machine, first);
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    expect(await daemon.engine.handle(bundleEvent(machine, "c2", second))).toMatchObject({
      outcome: "attached",
      mapping: "linux.netDevices",
      devices: [{ host_name: "d0", name: "net0" }],
    });
    expect(daemon.engine.attachments()).toHaveLength(1);
    kill(machine.world, first);
    await daemon.settle();
    expect(namesIn(machine, second)).toEqual(["net0"]);
    kill(machine.world, second);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  /** c1 with d0, and c2 beside it, which asks for d0 and d1. */
  async function twoOfThem(given: Given = { "/c1": { d0: null }, "/c2": { d0: null, d1: "eth1" } }) {
    const stage = sceneOf(given);
    const { machine } = stage;
    const daemon = await stage.start();
    const first = startContainer(machine);
    const second = startContainer(machine, first);
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c2", second));
    return { ...stage, daemon, first, second, verdict };
  }

  test("get what others have not got, beside what they share", async () => {
    const { machine, daemon, second, verdict } = await twoOfThem();
    using _ = daemon;
    const devices = [
      { host_name: "d0", name: "d0" },
      { host_name: "d1", name: "eth1" },
    ];
    expect(verdict).toMatchObject({ outcome: "attached", mapping: "linux.netDevices", devices });
    const holders = daemon.engine.attachments().map((one) => one.holders.map(({ id }) => id).join());
    expect(holders.toSorted()).toEqual(["c1,c2", "c2"]);
    const again = await daemon.engine.handle(bundleEvent(machine, "c2", second, "again"));
    expect(again).toMatchObject({ outcome: "unchanged" });
    expect(again.devices.map(({ host_name }) => host_name).toSorted()).toEqual(["d0", "d1"]);
  });

  for (const order of [
    ["first", "second"],
    ["second", "first"],
  ] as const) {
    test(`keep all until both have ended, the ${order[0]} one first`, async () => {
      const all = await twoOfThem();
      const { machine, before, daemon } = all;
      using _ = daemon;
      kill(machine.world, all[order[0]]);
      await daemon.settle();
      expect(namesIn(machine, all[order[1]])).toEqual(["d0", "eth1"]);
      kill(machine.world, all[order[1]]);
      await daemon.settle();
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect(daemon.engine.attachments()).toEqual([]);
      expect(daemon.openCount()).toBe(3);
    });
  }

  test("`stopped` of the last one tells of all that has come home, and of none that stays", async () => {
    const { machine, before, daemon } = await twoOfThem();
    using _ = daemon;
    await daemon.engine.handle(stoppedEvent(machine, "c1"));
    const verdict = await daemon.engine.handle(stoppedEvent(machine, "c2"));
    expect(verdict).toMatchObject({ outcome: "returned", warnings: [] });
    expect(verdict.devices.map(({ name }) => name).toSorted()).toEqual(["d0", "d1"]);
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("`release` of one brings home all that it has", async () => {
    const { machine, before, daemon } = await twoOfThem();
    using _ = daemon;
    expect((await daemon.engine.handle(releaseEvent("c2"))).outcome).toBe("returned");
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("`release` of one at any moment of another's attach: that one is told of all that it asked for", async () => {
    for (let turns = 0, isLate = false; !isLate; turns++) {
      const { machine, before, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null, d1: "eth1" } });
      using daemon = await start();
      const first = startContainer(machine);
      await daemon.engine.handle(bundleEvent(machine, "c1", first));
      const second = startContainer(machine, first);
      let isAnswered = false;
      const answered = daemon.engine.handle(bundleEvent(machine, "c2", second)).finally(() => {
        isAnswered = true;
      });
      for (let left = turns; left > 0; left--) await Promise.resolve();
      isLate = isAnswered;
      const released = await daemon.engine.handle(releaseEvent("c1"));
      expect(released.outcome).toBe("returned");
      const { outcome, devices } = await answered;
      const names = devices.map(({ host_name }) => host_name).toSorted();
      expect({ turns, outcome, names }).toEqual({ turns, outcome: "attached", names: ["d0", "d1"] });
      await daemon.engine.handle(releaseEvent(null));
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
    }
  });

  test("`release` of all while one is told again what it has: that comes first, and nothing is watched thereafter", async () => {
    for (let turns = 0, isLate = false; !isLate; turns++) {
      const { machine, before, start } = sceneOf({ "/c1": { d0: null } });
      using daemon = await start();
      const first = startContainer(machine);
      await daemon.engine.handle(bundleEvent(machine, "c1", first));
      const restarted = startContainer(machine, first);
      const answers: string[] = [];
      const note = ({ outcome }: Verdict) => answers.push(outcome);
      const answered = daemon.engine.handle(bundleEvent(machine, "c1", restarted, "again")).then(note);
      for (let left = turns; left > 0; left--) await Promise.resolve();
      isLate = answers.length > 0;
      const released = daemon.engine.handle(releaseEvent(null)).then(note);
      await Promise.all([answered, released]);
      const isFirst = answers[0] === "returned";
      const expected = isFirst ? ["returned", "attached"] : ["unchanged", "returned"];
      expect({ turns, answers }).toEqual({ turns, answers: expected });
      if (isFirst) await daemon.engine.handle(releaseEvent(null));
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect({ turns, open: daemon.openCount() }).toEqual({ turns, open: 3 });
    }
  });

  test("one whose rest cannot be had shares nothing", async () => {
    const { machine, daemon, first, verdict } = await twoOfThem({
      "/c1": { d0: null },
      "/c2": { d0: null, d7: null },
    });
    using _ = daemon;
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-missing" } });
    expect(daemon.engine.isHolder("c2")).toBe(false);
    kill(machine.world, first);
    await daemon.settle();
    expect(daemon.engine.attachments()).toEqual([]);
  });

  test("one that wants a device under another name than it has there is refused", async () => {
    const { daemon, verdict } = await twoOfThem({ "/c1": { d0: null }, "/c2": { d0: "eth0" } });
    using _ = daemon;
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "device-held", device: "d0" } });
  });

  test("share what their mapping gives, whatever a bundle calls it", async () => {
    const { machine, start } = sceneOf({ "/c2": { d0: "other", d1: "eth1" } });
    using daemon = await start([mappingFor("c*", { match: { kind: "veth", name: "d?" }, name: "eth0" })]);
    const first = startContainer(machine);
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    expect(
      await daemon.engine.handle(bundleEvent(machine, "c2", startContainer(machine, first))),
    ).toMatchObject({
      outcome: "attached",
      mapping: "for-c*",
      devices: [
        { host_name: "d0", name: "eth0" },
        { host_name: "d1", name: "eth1" },
      ],
    });
    // The third has the mapping's, and not what only the second asked for.
    expect(
      await daemon.engine.handle(bundleEvent(machine, "c3", startContainer(machine, first))),
    ).toMatchObject({
      devices: [{ host_name: "d0" }],
    });
  });

  test("do not get what only another one's bundle asks for", async () => {
    const { machine, daemon, second, verdict } = await twoOfThem({
      "/c1": { d0: null },
      "/c2": { d1: null },
    });
    using _ = daemon;
    expect(verdict).toMatchObject({ outcome: "attached", devices: [{ host_name: "d1" }] });
    expect(daemon.engine.attachments()).toHaveLength(2);
    expect(namesIn(machine, second)).toEqual(["d0", "d1"]);
  });

  test("that come at once share all the same, and not what had to be undone", async () => {
    for (const [refused, isBegun] of [
      [0, false],
      [1, false],
      [0, true],
      [1, true],
    ] as const) {
      const { machine, before, start } = sceneOf({ "/c1": { d0: "eth0" }, "/c2": { d0: "eth0" } });
      const first = startContainer(machine);
      const second = startContainer(machine, first);
      using daemon = await start([], ["*"], {
        system: (own) => (refused === 0 ? own : refusingSystem(own, refuseChange(refused, "EINVAL"))),
      });
      const verdict = daemon.engine.handle(bundleEvent(machine, "c1", first));
      // While the first one's are on their way in, or are not chosen yet.
      while (isBegun && daemon.engine.attachments().length === 0) await Promise.resolve();
      const other = await daemon.engine.handle(bundleEvent(machine, "c2", second));
      const outcomes = [(await verdict).outcome, other.outcome];
      expect(outcomes).toEqual([refused === 0 ? "attached" : "failed", "attached"]);
      expect(namesIn(machine, second)).toEqual(["eth0"]);
      const holders = daemon.engine.attachments().flatMap((one) => one.holders.map(({ id }) => id));
      expect(holders).toEqual(refused === 0 ? ["c1", "c2"] : ["c2"]);
      kill(machine.world, first);
      kill(machine.world, second);
      await daemon.settle();
      expect(pictureOf(machine.world, machine.home)).toEqual(before);
      expect(daemon.openCount()).toBe(3);
    }
  });

  test("one that comes while the only other one ends has all all the same", async () => {
    let isSurprised = false;
    for (let turns = 0; turns < 150; turns += 3) {
      const { machine, before, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null, d1: null } });
      using daemon = await start();
      const first = startContainer(machine);
      const second = startContainer(machine, first);
      await daemon.engine.handle(bundleEvent(machine, "c1", first));
      const answer = daemon.engine.handle(bundleEvent(machine, "c2", second));
      for (let left = turns; left > 0; left--) await Promise.resolve();
      isSurprised ||= daemon.engine.attachments().length === 1;
      kill(machine.world, first);
      const devices = [{ host_name: "d0" }, { host_name: "d1" }];
      expect(await answer, `after ${turns} turns`).toMatchObject({ outcome: "attached", devices });
      await daemon.settle();
      expect(namesIn(machine, second), `after ${turns} turns`).toEqual(["d0", "d1"]);
      const own = daemon.engine.attachments().filter(({ holders }) => holders.some(({ id }) => id === "c2"));
      expect(own, `after ${turns} turns`).toHaveLength(daemon.engine.attachments().length);
      kill(machine.world, second);
      await daemon.settle();
      expect(pictureOf(machine.world, machine.home), `after ${turns} turns`).toEqual(before);
      expect(daemon.openCount(), `after ${turns} turns`).toBe(3);
    }
    expect(isSurprised).toBe(true);
  });

  test("one that comes while all is released is told what it has before the release is told", async () => {
    let isBetween = false;
    for (let turns = 0; turns < 150; turns += 3) {
      const { machine, before, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null, d1: null } });
      using daemon = await start();
      const first = startContainer(machine);
      const second = startContainer(machine, first);
      await daemon.engine.handle(bundleEvent(machine, "c1", first));
      const answers: string[] = [];
      const told = async (answer: Promise<Verdict>) => void answers.push((await answer).outcome);
      const attached = told(daemon.engine.handle(bundleEvent(machine, "c2", second)));
      for (let left = turns; left > 0; left--) await Promise.resolve();
      const isBegun = daemon.engine.attachments().length === 2 && answers.length === 0;
      await told(daemon.engine.handle(releaseEvent(null)));
      await attached;
      await daemon.settle();
      isBetween ||= isBegun;
      if (!isBegun) continue;
      expect(answers, `after ${turns} turns`).toEqual(["attached", "returned"]);
      expect(pictureOf(machine.world, machine.home), `after ${turns} turns`).toEqual(before);
      expect(daemon.openCount()).toBe(3);
    }
    expect(isBetween).toBe(true);
  });

  test("one that comes while what it shares is looked at is put on record for it all the same", async () => {
    const { machine, start } = sceneOf({ "/c1": { d9: null }, "/c2": { d9: null, d1: null } });
    addDevice(machine.world, machine.home, "hardware", "d9");
    const first = startContainer(machine);
    let audit: Promise<void> | null = null;
    using daemon = await start([], ["*"], {
      kernel: (own) => ({
        ...own,
        async open(target, writtenAt) {
          const opened = await own.open(target, writtenAt);
          // The second time for the second container, which has its rest by then.
          if (daemon.engine.attachments().length === 2) audit ??= daemon.engine.audit();
          return opened;
        },
      }),
    });
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    await daemon.engine.handle(bundleEvent(machine, "c2", startContainer(machine, first)));
    expect(audit).not.toBeNull();
    await daemon.settle();
    const holders = daemon.engine.attachments().map((one) => one.holders.map(({ id }) => id).join());
    expect(holders.toSorted()).toEqual(["c1,c2", "c2"]);
  });

  test("do not share what is stuck there on its way home, and get it from home when it has come there", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null } });
    const { world, home } = machine;
    const first = startContainer(machine);
    const second = startContainer(machine, first);
    using daemon = await start();
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    const stranger = addLink(world, home, { name: "d0", kind: "ifb" });
    expect(await daemon.engine.handle(releaseEvent("c1"))).toMatchObject({ outcome: "failed" });
    expect(daemon.engine.attachments()).toMatchObject([{ state: "stuck" }]);
    const attach = (name: string) => daemon.engine.handle(bundleEvent(machine, "c2", second, name));
    expect(await attach("e1")).toMatchObject({ outcome: "refused", error: { code: "stuck", device: "d0" } });
    expect(daemon.engine.isHolder("c2")).toBe(false);
    deleteLink(world, stranger);
    expect(await attach("e2")).toMatchObject({ outcome: "attached", devices: [{ host_name: "d0" }] });
    await daemon.retry();
    expect(namesIn(machine, second)).toEqual(["d0"]);
    expect(daemon.engine.attachments()).toMatchObject([{ state: "attached", holders: [{ id: "c2" }] }]);
  });

  test("share nothing that cannot be put on record, and keep nothing open for it", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null } });
    let isFull = false;
    using daemon = await start([], ["*"], {
      journal: (own) => ({
        ...own,
        update(attachment) {
          if (isFull) throw new Error("database or disk is full");
          own.update(attachment);
        },
      }),
    });
    const first = startContainer(machine);
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    const open = daemon.openCount();
    isFull = true;
    const verdict = await daemon.engine.handle(bundleEvent(machine, "c2", startContainer(machine, first)));
    expect(verdict).toMatchObject({ outcome: "refused", error: { code: "journal-unwritable" } });
    expect(daemon.engine.isHolder("c2")).toBe(false);
    expect(daemon.openCount()).toBe(open);
  });

  test("have all, though it could not be put on record that they share a part of it", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null, d1: null } });
    let opened = 0;
    using daemon = await start([], ["*"], {
      kernel: (own) => ({
        ...own,
        async open(target, writtenAt) {
          opened += 1;
          // The second time for the second container.
          if (opened === 3) throw new Error("EMFILE: too many open files");
          return await own.open(target, writtenAt);
        },
      }),
    });
    const first = startContainer(machine);
    const second = startContainer(machine, first);
    await daemon.engine.handle(bundleEvent(machine, "c1", first));
    expect(await daemon.engine.handle(bundleEvent(machine, "c2", second))).toMatchObject({
      outcome: "attached",
      devices: [{ host_name: "d0" }, { host_name: "d1" }],
    });
    expect(daemon.log.filter((line) => line.startsWith("warning"))).toEqual([
      "warning: the container is not told as a holder of what it shares: EMFILE: too many open files",
    ]);
    kill(machine.world, first);
    await daemon.settle();
    expect(namesIn(machine, second)).toEqual(["d0", "d1"]);
    kill(machine.world, second);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
    expect(daemon.openCount()).toBe(3);
  });

  test("one that comes again elsewhere is asked its bundle anew", async () => {
    const given: Given = { "/c1": { d0: null }, "/c2": { d0: null } };
    const { machine, daemon } = await twoOfThem(given);
    using _ = daemon;
    await daemon.engine.handle(stoppedEvent(machine, "c1"));
    const problem = { code: "bundle-invalid", message: "so", device: null } as const;
    given["/c1"] = { ok: false, problem };
    const elsewhere = startContainer(machine);
    const open = daemon.openCount();
    const again = () => daemon.engine.handle(bundleEvent(machine, "c1", elsewhere, "elsewhere"));
    expect(await again()).toMatchObject({ outcome: "refused", error: problem });
    expect(daemon.openCount()).toBe(open);
    given["/c1"] = {};
    expect(await again()).toMatchObject({ outcome: "no-mapping" });
    given["/c1"] = { d1: null };
    expect(await again()).toMatchObject({ outcome: "attached", devices: [{ host_name: "d1" }] });
  });
});

describe("after a restart", () => {
  test("what a container shares and what it has by itself", async () => {
    const { machine, before, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null, d1: null } });
    const first = startContainer(machine);
    const second = startContainer(machine, first);
    {
      using daemon = await start();
      await daemon.engine.handle(bundleEvent(machine, "c1", first));
      await daemon.engine.handle(bundleEvent(machine, "c2", second));
    }
    using daemon = await start();
    kill(machine.world, first);
    await daemon.settle();
    expect(namesIn(machine, second)).toEqual(["d0", "d1"]);
    kill(machine.world, second);
    await daemon.settle();
    expect(pictureOf(machine.world, machine.home)).toEqual(before);
  });

  test("an answer that a daemon did not live to give is the one that it would have given", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: null, d1: "eth1" } });
    const container = startContainer(machine);
    const attach = bundleEvent(machine, "c1", container);
    change(machine.world, deviceIn(machine.home, "d0"), { target: container.netns });
    {
      using daemon = await start();
      expect(await daemon.engine.handle(attach)).toMatchObject({ warnings: [{ code: "moved-by-runtime" }] });
    }
    using daemon = await start();
    const warnings = [{ code: "moved-by-runtime", device: "d0" }];
    expect(await daemon.engine.handle(attach)).toMatchObject({ outcome: "attached", warnings });
  });

  test("nobody is told that it has all where what it shares cannot be looked at yet", async () => {
    const { machine, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null, d1: "eth1" } });
    const first = startContainer(machine);
    const second = startContainer(machine, first);
    const attach = bundleEvent(machine, "c2", second);
    const holders = () => attachmentsOf(machine.rows).map((one) => one.holders.map(({ id }) => id).join());
    {
      const fuse = createFuse();
      using daemon = await start([], ["*"], {
        fuse,
        kernel: (own) => ({
          ...own,
          open(target, writtenAt) {
            // It has the rest, and is about to be put on record for what it shares.
            if (holders().length === 2) fuse.burn();
            return own.open(target, writtenAt);
          },
        }),
      });
      await daemon.engine.handle(bundleEvent(machine, "c1", first));
      await Promise.race([daemon.engine.handle(attach), fuse.burnt]);
    }
    expect(holders()).toEqual(["c1", "c2"]);
    let fails = true;
    using daemon = await start([], ["*"], {
      system: (own) => ({
        ...own,
        openPidfd(pid) {
          if (fails && pid === first.pid) throw new SyscallError("pidfd_open", constants.errno.EMFILE);
          return own.openPidfd(pid);
        },
      }),
    });
    expect(await daemon.engine.handle(attach)).toMatchObject({
      outcome: "refused",
      error: { code: "system-error" },
    });
    fails = false;
    expect(await daemon.engine.handle(attach)).toMatchObject({
      outcome: "attached",
      devices: [{ host_name: "d0" }, { host_name: "d1" }],
    });
    expect(holders()).toEqual(["c1,c2", "c2"]);
  });

  test("of a daemon that died anywhere while it attached, the container has all in the end", async () => {
    const mappings = [mappingFor("c2", { match: { name: "d2" }, name: "eth0" })];
    let died = true;
    let at = 1;
    for (; died; at++) {
      const { machine, before, start } = sceneOf({ "/c1": { d0: null }, "/c2": { d0: null, d1: "eth1" } });
      const first = startContainer(machine);
      const second = startContainer(machine, first);
      const attach = bundleEvent(machine, "c2", second);
      {
        using daemon = await start(mappings);
        await daemon.engine.handle(bundleEvent(machine, "c1", first));
      }
      const fuse = createFuse(at);
      try {
        using daemon = await start(mappings, ["*"], { fuse });
        await Promise.race([daemon.engine.handle(attach), fuse.burnt]);
        died = fuse.isBurnt;
      } catch (error) {
        if (!fuse.isBurnt) throw error;
      }
      using daemon = await start(mappings);
      expect(await daemon.engine.handle(attach), `effect ${at}`).toMatchObject({
        outcome: "attached",
        mapping: "for-c2",
        devices: [{ host_name: "d0" }, { host_name: "d2", name: "eth0" }, { host_name: "d1", name: "eth1" }],
      });
      const holders = daemon.engine.attachments().map((one) => one.holders.map(({ id }) => id).join());
      expect(holders.toSorted(), `effect ${at}`).toEqual(["c1,c2", "c2"]);
      expect(namesIn(machine, second), `effect ${at}`).toEqual(["d0", "eth0", "eth1"]);
      kill(machine.world, first);
      await daemon.settle();
      expect(namesIn(machine, second), `effect ${at}`).toEqual(["d0", "eth0", "eth1"]);
      kill(machine.world, second);
      await daemon.settle();
      expect(pictureOf(machine.world, machine.home), `effect ${at}`).toEqual(before);
      expect(daemon.engine.attachments()).toEqual([]);
    }
    expect(at).toBeGreaterThan(10);
  });
});
