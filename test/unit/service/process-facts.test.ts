import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { maxFds, processFacts } from "../../../src/service/process-facts.ts";

test("tells of this process", () => {
  const { startTime, cpuSeconds, residentBytes, maxFds } = processFacts();
  expect(startTime).toBeWithin(Date.now() / 1000 - 3600, Date.now() / 1000);
  expect(processFacts().startTime).toBe(startTime);
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(residentBytes).toBeGreaterThan(1e6);
  expect(maxFds).toBeGreaterThan(10);
});

test("each open file is one more", () => {
  const { openFds } = processFacts();
  const fds = Array.from({ length: 5 }, () => openSync("/dev/null", "r"));
  expect(processFacts().openFds).toBe(openFds + 5);
  fds.forEach(closeSync);
  expect(processFacts().openFds).toBe(openFds);
});

test("a limit is read as the kernel writes it", () => {
  const head = "Limit                     Soft Limit           Hard Limit           Units     \n";
  expect(
    maxFds(`${head}Max open files            1024                 524288               files     \n`),
  ).toBe(1024);
  expect(maxFds(`${head}Max open files            unlimited            unlimited            files\n`)).toBe(
    Number.POSITIVE_INFINITY,
  );
});
