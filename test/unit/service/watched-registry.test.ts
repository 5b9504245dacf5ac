import { expect, test } from "bun:test";
import type { Attachment } from "../../../src/domain/attachment.ts";
import { createRegistry } from "../../../src/engine/registry.ts";
import { watchedRegistry } from "../../../src/service/watched-registry.ts";
import { attachment } from "../http/facts.ts";

const journal = {
  attachments: [attachment],
  add: () => undefined,
  update: () => undefined,
  updateDevice: () => undefined,
  delete: () => undefined,
  check: () => undefined,
  [Symbol.dispose]: () => undefined,
};

test("each change is told when it has been made, with what was before", () => {
  const told: [Attachment | null, Attachment | null][] = [];
  const plain = createRegistry(journal, () => undefined);
  const registry = watchedRegistry(plain, (before, after) => {
    told.push([before, after]);
    const key = (after ?? before)?.key ?? 0;
    expect(plain.get(key)).toBe(after);
  });
  const { key: _, ...fields } = attachment;
  const added = registry.add({ ...fields, mapping: "second" });
  const returning = registry.update(1, { state: "returning" });
  const home = registry.updateDevice(1, 0, { state: "home" });
  registry.remove(1);
  registry.remove(1);
  expect(home.devices[0]?.state).toBe("home");
  expect(told).toEqual([
    [null, added],
    [attachment, returning],
    [returning, home],
    [home, null],
  ]);
  expect(registry.all()).toEqual([added]);
});

test("what could not be put on record has not happened", () => {
  const full = {
    ...journal,
    add: () => {
      throw new Error("disk full");
    },
  };
  const told: unknown[] = [];
  const registry = watchedRegistry(
    createRegistry(full, () => undefined),
    (...change) => told.push(change),
  );
  expect(() => registry.add(attachment)).toThrow("disk full");
  expect(told).toEqual([]);
});
