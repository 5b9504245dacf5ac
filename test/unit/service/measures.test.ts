import { expect, test } from "bun:test";
import type { Outcome, Verdict } from "../../../src/domain/verdict.ts";
import { createMeasures } from "../../../src/service/measures.ts";
import { attachment } from "../http/facts.ts";

function answer(outcome: Outcome, id: string | null = "c1"): Verdict {
  return { event: "e.json", id, outcome, mapping: null, devices: [], warnings: [], error: null };
}

function total({ counts }: { readonly counts: readonly number[] }): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

test("each answer is counted, those to files that are no events too", () => {
  const measures = createMeasures();
  for (const outcome of ["attached", "refused", "attached"] as const) measures.answered(answer(outcome), 1);
  measures.answered(answer("refused", null), 1);
  expect(measures.outcomes()).toEqual({
    attached: 2,
    unchanged: 0,
    returned: 0,
    "no-mapping": 0,
    refused: 2,
    failed: 0,
  });
});

test("an attach is timed where it came to be, and had not to wait for a device", () => {
  const measures = createMeasures();
  measures.answered(answer("attached"), 30);
  for (const outcome of ["refused", "failed", "returned"] as const) measures.answered(answer(outcome), 1);
  measures.waits("late");
  measures.waits("late");
  measures.answered(answer("attached", "late"), 20_000);
  expect(measures.attach()).toMatchObject({ sum: 0.03 });
  expect(total(measures.attach())).toBe(1);
  // It has waited once, and not the next time.
  measures.answered(answer("attached", "late"), 70);
  expect(measures.attach().sum).toBeCloseTo(0.1);
});

test("a homecoming is timed from its beginning until all is home, tries that failed included", () => {
  let now = 1000;
  const measures = createMeasures(() => now);
  const returning = { ...attachment, state: "returning" } as const;
  measures.changed(null, attachment);
  now += 500;
  measures.changed(attachment, returning);
  now += 40;
  measures.changed(returning, { ...attachment, state: "stuck" });
  now += 5000;
  measures.changed({ ...attachment, state: "stuck" }, returning);
  now += 10;
  measures.changed(returning, null);
  expect(measures.homecoming().sum).toBeCloseTo(5.05);
  expect(total(measures.homecoming())).toBe(1);
});

test("what is left inside has not come home", () => {
  const measures = createMeasures();
  measures.changed(null, attachment);
  measures.changed(attachment, null);
  expect(total(measures.homecoming())).toBe(0);
});

test("lines of the log are counted by level", () => {
  const measures = createMeasures();
  for (const level of ["warning", "error", "warning"] as const) measures.logged(level);
  expect(measures.logLines()).toEqual({ debug: 0, info: 0, warning: 2, error: 1 });
});
