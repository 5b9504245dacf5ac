import { describe, expect, test } from "bun:test";
import type { Attachment } from "../../../src/domain/attachment.ts";
import { statusOf } from "../../../src/http/status.ts";
import { attached, attachment, facts } from "./facts.ts";

describe("statusOf", () => {
  test("tells the daemon, its config, its counters and a container with all members of the contract", () => {
    expect(statusOf(facts([attachment]))).toEqual({
      version: "1.2.3",
      state: "ready",
      config: {
        file: "/etc/netdevd/netdevd.toml",
        loaded_at: "1970-01-01T00:00:00.000Z",
        spool: "/s/spool",
        results: "/s/results",
        state: "/s/state",
        mappings: ["trainer", "spare"],
      },
      containers: [
        {
          id: "trainer-7",
          pid: 4711,
          netns: null,
          mapping: "trainer",
          state: "attached",
          since: "2026-11-23T12:34:56.789Z",
          devices: [
            {
              host_name: "ens4",
              name: "eth1",
              ifindex: 3,
              mac: "02:00:00:00:00:01",
              mtu: 9000,
              addresses: ["192.168.0.1/24", "2001:db8::1/64", "10.0.0.1 peer 10.0.0.2/32"],
              state: "inside",
            },
          ],
          warnings: [],
          error: null,
        },
      ],
      counters: { events: 12 },
      history: [],
    });
  });

  test("tells a container that shares devices and has more of its own as one", () => {
    const [holder] = attachment.holders;
    if (holder === undefined) throw new Error("nobody holds it");
    const mate = { ...holder, id: "mate", pid: 4712 };
    const own: Attachment = {
      ...attachment,
      key: 2,
      mapping: "linux.netDevices",
      state: "attaching",
      holders: [mate],
      since: attachment.since + 1,
    };
    const { containers } = statusOf(facts([own, { ...attachment, holders: [holder, mate] }]));
    expect(
      containers.map(({ id, pid, mapping, state, since, devices }) => [
        id,
        pid,
        mapping,
        state,
        since,
        devices.length,
      ]),
    ).toEqual([
      ["trainer-7", 4711, "trainer", "attached", "2026-11-23T12:34:56.789Z", 1],
      ["mate", 4712, "trainer", "attaching", "2026-11-23T12:34:56.789Z", 2],
    ]);
    const elsewhere = statusOf(facts([attachment, { ...own, holders: [holder], cookie: "4350" }]));
    expect(elsewhere.containers.map(({ id, devices }) => [id, devices.length])).toEqual([
      ["trainer-7", 1],
      ["trainer-7", 1],
    ]);
  });

  test("is JSON as it stands", () => {
    const status = statusOf(facts([attachment]));
    expect(JSON.parse(JSON.stringify(status))).toEqual(status);
  });

  test.each([
    ["home", null, 7],
    // It has been inside and is back: the number it had there is another device's by now.
    ["home", 3, 7],
    ["moving", null, 7],
    ["inside", 3, 3],
    ["returning", 3, 3],
    ["stuck", 3, 3],
  ] as const)(
    "a device that is %s with the ifindex %p inside is told with %i",
    (state, insideIfindex, told) => {
      const status = statusOf(facts([{ ...attachment, devices: [{ ...attached, state, insideIfindex }] }]));
      expect(status.containers[0]?.devices[0]?.ifindex).toBe(told);
    },
  );

  test("lists each holder of a namespace, with what it was named by", () => {
    const holders = [
      { id: "pause", pid: 10, startTime: 1, path: null, ended: true },
      { id: "app", pid: null, startTime: null, path: "/run/netns/pod", ended: false },
    ];
    const { containers } = statusOf(facts([{ ...attachment, holders }]));
    expect(containers.map(({ id, pid, netns }) => ({ id, pid, netns }))).toEqual([
      { id: "pause", pid: 10, netns: null },
      { id: "app", pid: null, netns: "/run/netns/pod" },
    ]);
    expect(containers[1]?.devices).toEqual(containers[0]?.devices ?? []);
  });

  test("lists attachments oldest first, and leaves what it was given as it was", () => {
    const given = [3, 1, 2].map((key) => ({ ...attachment, key, event: `${key}.json`, mapping: `m${key}` }));
    expect(statusOf(facts(given)).containers.map((container) => container.mapping)).toEqual([
      "m1",
      "m2",
      "m3",
    ]);
    expect(given.map(({ key }) => key)).toEqual([3, 1, 2]);
  });

  test("lists what waits for a device last, and tells what for", () => {
    const lacks = { code: "device-missing", message: "there is no ens4", device: null } as const;
    const holder = { id: "late", pid: 4712, startTime: 5, path: null, ended: false };
    const waiting = [{ holder, mapping: "trainer", since: 1000, lacks }];
    const { containers } = statusOf({ ...facts([attachment]), waiting });
    expect(containers.map(({ id }) => id)).toEqual(["trainer-7", "late"]);
    expect(containers[1]).toEqual({
      id: "late",
      pid: 4712,
      netns: null,
      mapping: "trainer",
      state: "pending",
      since: "1970-01-01T00:00:01.000Z",
      devices: [],
      warnings: [lacks],
      error: null,
    });
  });

  test("tells how devices came home, in the order in which they did", () => {
    const lost = {
      code: "not-as-wanted",
      message: "ens4 is home, and its mtu is 1500",
      device: "ens4",
    } as const;
    const gone = { code: "device-missing", message: "ifb0 is no more", device: "ifb0" } as const;
    const common = { container: "trainer-7,mate", mapping: "trainer" };
    const history = [
      { ...common, at: 1000, device: "ens4", outcome: "home", warnings: [lost] },
      { ...common, at: 2000, device: "ifb0", outcome: "gone", warnings: [gone] },
    ] as const;
    expect(statusOf({ ...facts([]), history }).history).toEqual([
      { ...common, at: "1970-01-01T00:00:01.000Z", device: "ens4", outcome: "home", warnings: [lost] },
      { ...common, at: "1970-01-01T00:00:02.000Z", device: "ifb0", outcome: "gone", warnings: [gone] },
    ]);
  });

  test("hands warnings and the error on", () => {
    const problem = { code: "stuck", message: "ens4 is not to be had", device: "ens4" } as const;
    const stuck: Attachment = { ...attachment, state: "stuck", warnings: [problem], error: problem };
    const [container] = statusOf(facts([stuck])).containers;
    expect(container).toMatchObject({ state: "stuck", warnings: [problem], error: problem });
  });
});
