import { describe, expect, test } from "bun:test";
import { createEventMemory, type EventMemory } from "../../../src/http/event-memory.ts";
import { parseServerSentEvents } from "../../helpers/server-sent-events.ts";

/** All that is told behind an id. */
function allAfter(memory: EventMemory, id: number) {
  let text = "";
  for (let next = memory.after(id); next !== null; next = memory.after(next.id)) text += next.text;
  return parseServerSentEvents(text).events;
}

describe("a memory of events", () => {
  test("numbers them from its start on", () => {
    const memory = createEventMemory(100);
    expect(memory.after(100)).toBeNull();
    expect([memory.add("home", '{"a":1}'), memory.add("stuck", "{}")]).toEqual([101, 102]);
    expect(allAfter(memory, 100)).toEqual([
      { id: "101", type: "home", data: '{"a":1}' },
      { id: "102", type: "stuck", data: "{}" },
    ]);
    expect(allAfter(memory, 101).map(({ id }) => id)).toEqual(["102"]);
    expect(memory.after(102)).toBeNull();
    expect([memory.oldest, memory.newest]).toEqual([101, 102]);
  });

  test("forgets the oldest when there are too many", () => {
    const memory = createEventMemory(0, { events: 3, characters: 1e6 });
    for (let n = 1; n <= 10; n++) memory.add("t", String(n));
    expect([memory.oldest, memory.newest]).toEqual([8, 10]);
    expect(allAfter(memory, 7).map(({ data }) => data)).toEqual(["8", "9", "10"]);
    // That has to be told as missed, and is not to be mended by guessing.
    expect(memory.after(6)).toBeNull();
  });

  test("forgets the oldest when they are too long, and keeps one that alone is", () => {
    const memory = createEventMemory(0, { events: 1000, characters: 1000 });
    for (let n = 1; n <= 10; n++) memory.add("t", "x".repeat(300));
    expect(memory.newest - memory.oldest + 1).toBe(3);
    memory.add("t", "y".repeat(5000));
    expect([memory.oldest, memory.newest]).toEqual([11, 11]);
    expect(allAfter(memory, 10)).toHaveLength(1);
  });

  test("gives in slices what there is much of, none lost and none twice", () => {
    const memory = createEventMemory(0);
    for (let n = 1; n <= 500; n++) memory.add("t", `${n} ${"x".repeat(n)}`);
    expect(memory.after(0)?.text.length).toBeLessThanOrEqual(16_384);
    expect(allAfter(memory, 0).map(({ id }) => Number(id))).toEqual(
      Array.from({ length: 500 }, (_, n) => n + 1),
    );
  });
});
