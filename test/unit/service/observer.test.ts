import { expect, test } from "bun:test";
import type { Occurrence } from "../../../src/http/occurrence.ts";
import { createObserver } from "../../../src/service/observer.ts";
import { attachment } from "../http/facts.ts";

const clock = { now: () => 0, uptime: () => 0, sleep: async () => undefined, alarm: () => () => undefined };
const answer = {
  event: "e.json",
  id: "trainer-7",
  outcome: "attached",
  mapping: null,
  devices: [],
  warnings: [],
  error: null,
} as const;

/** A turn of the event loop, after which what was seen has been told. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

test("no fault of its own gets into the engine, the spool or the log: it is logged", async () => {
  const lines: string[] = [];
  const observer = createObserver(
    (level, message) => lines.push(`${level}: ${message}`),
    clock,
    () => {
      throw new Error("broken");
    },
  );
  observer.look({ waiting: () => [], reasons: () => ["a"] });
  observer.log("warning", "line", {});
  observer.changed(null, { ...attachment, state: "attaching" });
  observer.answered(answer, 1);
  observer.clock.alarm(1, () => undefined);
  await turn();
  expect(lines[0]).toBe("warning: line");
  expect(lines.slice(1)).toEqual(Array(4).fill("error: readers of HTTP were not told all: Error: broken"));
});

test("what happens in one turn is looked at once, and nothing is when it is told to look no more", async () => {
  const told: Occurrence[] = [];
  let looks = 0;
  const observer = createObserver(
    () => undefined,
    clock,
    (occurrence) => told.push(occurrence),
  );
  const reasons = () => {
    looks += 1;
    return [];
  };
  observer.look({ waiting: () => [], reasons });
  for (let n = 0; n < 100; n++) observer.changed(attachment, attachment);
  await turn();
  expect(looks).toBe(1);
  expect(told).toEqual([{ type: "ready" }]);
  observer.look(null);
  observer.log("error", "the journal cannot be written", { code: "journal" });
  await turn();
  expect(looks).toBe(1);
});

test("who has begun to wait is told, and how long its attach takes is not counted", async () => {
  const told: Occurrence[] = [];
  const rung: number[] = [];
  const observer = createObserver(
    () => undefined,
    { ...clock, alarm: (milliseconds) => () => rung.push(milliseconds) },
    (occurrence) => told.push(occurrence),
  );
  const [holder] = attachment.holders;
  if (holder === undefined) throw new Error("it has one");
  const lacks = { code: "device-missing", message: "there is no ens4", device: null } as const;
  observer.look({ waiting: () => [{ holder, mapping: "trainer", since: 0, lacks }], reasons: () => [] });
  observer.clock.alarm(7, () => undefined)();
  expect(rung).toEqual([7]);
  await turn();
  expect(told.map(({ type }) => type)).toEqual(["pending", "ready"]);
  observer.answered(answer, 9000);
  expect(observer.measures.attach().sum).toBe(0);
});
