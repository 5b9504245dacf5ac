import { describe, expect, test } from "bun:test";
import type { Attachment } from "../../../src/domain/attachment.ts";
import type { Verdict } from "../../../src/domain/verdict.ts";
import type { Occurrence } from "../../../src/http/occurrence.ts";
import { createTeller } from "../../../src/service/teller.ts";
import { attached, attachment } from "../http/facts.ts";

function telling() {
  const told: Occurrence[] = [];
  const teller = createTeller((occurrence) => told.push(occurrence));
  return { told, teller, types: () => told.map(({ type }) => type) };
}

const stuckFor = (message: string) => ({ code: "stuck", message, device: "ens4" }) as const;
/** Changes one after the other. */
function walk(teller: ReturnType<typeof createTeller>, steps: readonly (Attachment | null)[]): void {
  for (const [at, after] of steps.slice(1).entries()) teller.changed(steps[at] ?? null, after);
}

const home = { ...attachment, devices: [{ ...attached, state: "home" }] } as const;
const stuck = { ...attachment, state: "stuck", error: stuckFor("d0 is still inside") } as const;

test("an answer is told whole, under its outcome", () => {
  const { told, teller } = telling();
  const verdict: Verdict = {
    event: "e.json",
    id: "c1",
    outcome: "refused",
    mapping: "trainer",
    devices: [],
    warnings: [],
    error: { code: "device-held", message: "ens4 is of c2", device: "ens4" },
  };
  teller.answered(verdict);
  expect(told).toEqual([{ type: "refused", ...verdict }]);
});

describe("what becomes of a container's devices:", () => {
  test("there and back", () => {
    const { told, teller } = telling();
    const attaching = { ...attachment, state: "attaching" } as const;
    const returning = { ...attachment, state: "returning" } as const;
    walk(teller, [null, attaching, attachment, returning, home, null]);
    expect(told).toEqual([
      {
        type: "attaching",
        containers: ["trainer-7"],
        mapping: "trainer",
        devices: [{ host_name: "ens4", name: "eth1", state: "inside" }],
        problem: null,
      },
      expect.objectContaining({ type: "returning" }),
      expect.objectContaining({
        type: "home",
        devices: [{ host_name: "ens4", name: "eth1", state: "home" }],
      }),
    ]);
  });

  test("what is stuck is told once for each reason, however often it is tried, and when it is home again", () => {
    const { told, teller, types } = telling();
    const trying = { ...stuck, state: "returning" } as const;
    const other = { ...stuck, error: stuckFor("ens4 is taken") };
    walk(teller, [
      attachment,
      stuck,
      trying,
      stuck,
      trying,
      other,
      { ...trying, error: other.error },
      { ...home, state: "returning", error: other.error },
      null,
    ]);
    expect(types()).toEqual(["stuck", "stuck", "home"]);
    expect(told[0]).toMatchObject({ problem: stuck.error });
    expect(told[1]).toMatchObject({ problem: other.error });
  });

  test("what could not be looked at when the daemon started is adopted when it could", () => {
    const { teller, types } = telling();
    const unexamined = { ...attachment, error: stuckFor("it could not be found out") };
    teller.changed(attachment, unexamined);
    teller.changed(unexamined, attachment);
    expect(types()).toEqual(["stuck", "adopted"]);
  });

  test("what its mapping leaves inside is told as that", () => {
    const { teller, types } = telling();
    teller.changed(attachment, null);
    expect(types()).toEqual(["left-inside"]);
  });

  test("other changes are nobody's concern", () => {
    const { told, teller } = telling();
    teller.changed(attachment, { ...attachment, holders: [] });
    teller.changed(attachment, { ...attachment, warnings: [stuckFor("it is missing")] });
    expect(told).toEqual([]);
  });
});

test("who waits is told once for each thing that it waits for", () => {
  const { told, teller } = telling();
  const [holder] = attachment.holders;
  if (holder === undefined) throw new Error("it has one");
  const lacks = { code: "device-missing", message: "there is no ens4", device: null } as const;
  const waiting = { holder, mapping: "trainer", since: 0, lacks };
  const held = { ...waiting, lacks: { ...lacks, code: "device-held", message: "ens4 is of c2" } as const };
  for (const all of [[], [waiting], [waiting], [held], [], [held]]) teller.waiting(all);
  expect(told.map((one) => "problem" in one && one.problem?.code)).toEqual([
    "device-missing",
    "device-held",
    "device-held",
  ]);
  expect(told[0]).toEqual({
    type: "pending",
    containers: ["trainer-7"],
    mapping: "trainer",
    devices: [],
    problem: lacks,
  });
});

test("readiness is told at first, and when its reasons change", () => {
  const { told, teller } = telling();
  for (const reasons of [[], [], ["a"], ["a"], ["a", "b"], []]) teller.reasons(reasons);
  expect(told).toEqual([
    { type: "ready" },
    { type: "degraded", reasons: ["a"] },
    { type: "degraded", reasons: ["a", "b"] },
    { type: "ready" },
  ]);
});

test("a warning is told with what it is about", () => {
  const { told, teller } = telling();
  teller.warned("ens4 is missing inside", { container: "c1", device: "ens4", code: "device-missing" });
  expect(told).toEqual([
    {
      type: "warning",
      message: "ens4 is missing inside",
      code: "device-missing",
      container: "c1",
      device: "ens4",
      mapping: null,
    },
  ]);
});
