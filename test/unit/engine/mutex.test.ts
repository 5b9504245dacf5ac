import { expect, test } from "bun:test";
import { createMutex } from "../../../src/engine/mutex.ts";

test("one at a time, in the order of asking", async () => {
  const mutex = createMutex();
  const told: string[] = [];
  const critical = (name: string, turns: number) => async () => {
    told.push(`${name} in`);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    told.push(`${name} out`);
    return name;
  };
  const results = await Promise.all([
    mutex.run(critical("a", 5)),
    mutex.run(critical("b", 1)),
    mutex.run(critical("c", 3)),
  ]);
  expect(results).toEqual(["a", "b", "c"]);
  expect(told).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
});

test("one that fails is told so, and lets the next one in", async () => {
  const mutex = createMutex();
  const failing = mutex.run(() => Promise.reject(new Error("no")));
  const next = mutex.run(() => Promise.resolve("in"));
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("in");
});

test("whoever asks from within waits for its own end: it is not let in", async () => {
  const mutex = createMutex();
  let isIn = false;
  await mutex.run(async () => {
    void mutex.run(async () => {
      isIn = true;
    });
    await Promise.resolve();
    expect(isIn).toBe(false);
  });
  await mutex.run(() => Promise.resolve());
  expect(isIn).toBe(true);
});
