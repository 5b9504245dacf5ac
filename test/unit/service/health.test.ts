import { expect, test } from "bun:test";
import type { Attachment } from "../../../src/domain/attachment.ts";
import { createHealth } from "../../../src/service/health.ts";

function logged() {
  const lines: string[] = [];
  const health = createHealth((level, message) => lines.push(`${level}: ${message}`));
  return { lines, health };
}

type WithAttachments = Parameters<ReturnType<typeof createHealth>["reasons"]>[0];

function engineWith(...attachments: readonly Partial<Attachment>[]): WithAttachments {
  const whole = attachments.map((attachment) => ({ ...EMPTY, ...attachment }));
  return { ...NO_ENGINE, attachments: () => whole };
}

const EMPTY: Attachment = {
  key: 1,
  cookie: "4",
  holders: [],
  mapping: "trainer",
  onExit: "return",
  state: "attached",
  since: 0,
  event: "e",
  devices: [],
  warnings: [],
  error: null,
};
const unused = () => {
  throw new Error("health asks for attachments alone");
};
const NO_ENGINE = {
  recover: unused,
  audit: unused,
  departed: unused,
  departuresLost: unused,
  handle: unused,
  lookedAfter: unused,
  exited: unused,
  retryStuck: unused,
  homeChanged: unused,
  waiting: unused,
  leaveWaiting: unused,
  isHolder: unused,
  counters: unused,
  idle: unused,
};

test("a daemon without a fault has no reason not to be ready", () => {
  const { health } = logged();
  expect(health.reasons(engineWith({}))).toEqual([]);
});

test("each kind of fault has one reason at a time, until it is over", () => {
  const { health } = logged();
  health.fault("config", "line 3");
  health.fault("journal", "disk full");
  health.fault("config", "line 4");
  expect(health.reasons(engineWith())).toEqual(["line 4", "disk full"]);
  expect([health.has("config"), health.has("spool")]).toEqual([true, false]);
  health.fault("config", null);
  expect(health.has("config")).toBe(false);
  expect(health.reasons(engineWith())).toEqual(["disk full"]);
});

test("a fault is logged when it is new, and when it is over", () => {
  const { health, lines } = logged();
  for (const reason of [null, "disk full", "disk full", "read-only", null, null])
    health.fault("journal", reason);
  expect(lines).toEqual(["error: disk full", "error: read-only", "info: journal: all is well again"]);
});

test("what is stuck is told with the faults", () => {
  const { health } = logged();
  const error = { code: "stuck", message: "d0 is still inside", device: "d0" } as const;
  health.fault("spool", "wrong mode");
  // On record it is attached, and what became of it could not be looked at.
  const unexamined = { code: "stuck", message: "d1 is where it was", device: "d1" } as const;
  const engine = engineWith(
    { state: "stuck", error },
    { state: "stuck" },
    { state: "attached", error: unexamined },
    { state: "attached", error: { ...error, code: "not-as-wanted" } },
  );
  expect(health.reasons(engine)).toEqual([
    "wrong mode",
    "d0 is still inside",
    "a device of mapping trainer is stuck",
    "d1 is where it was",
  ]);
});
