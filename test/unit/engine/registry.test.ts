import { describe, expect, test } from "bun:test";
import type { Attachment } from "../../../src/domain/attachment.ts";
import type { Journal } from "../../../src/engine/journal.ts";
import { createRegistry } from "../../../src/engine/registry.ts";

/** A journal in memory whose disk can be filled. */
function memory(attachments: readonly Attachment[] = []) {
  const rows = new Map(attachments.map((attachment) => [attachment.key, attachment]));
  const disk = { full: false };
  const written = (write: () => void) => {
    if (disk.full) throw new Error("database or disk is full");
    write();
  };
  const journal: Journal = {
    attachments,
    add: (attachment) => written(() => rows.set(attachment.key, attachment)),
    update: (attachment) => written(() => rows.set(attachment.key, attachment)),
    updateDevice: () => written(() => undefined),
    delete: (key) => written(() => rows.delete(key)),
    check: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  return { journal, rows, disk };
}

function attachmentOf(id: string): Omit<Attachment, "key"> {
  return {
    cookie: "7",
    holders: [{ id, pid: 4711, startTime: 1, path: null, ended: false }],
    mapping: "m",
    onExit: "return",
    state: "attaching",
    since: 0,
    event: "e.json",
    devices: [],
    warnings: [],
    error: null,
  };
}

describe("a registry", () => {
  test("puts an attachment on record before it knows it", () => {
    const { journal, rows, disk } = memory();
    const registry = createRegistry(journal, () => undefined);
    const first = registry.add(attachmentOf("c1"));
    expect(rows.get(first.key)).toEqual(first);
    disk.full = true;
    expect(() => registry.add(attachmentOf("c2"))).toThrow("disk is full");
    expect(registry.all()).toEqual([first]);
    expect(registry.ofHolder("c2")).toEqual([]);
  });

  test("goes on with what it knows where it cannot be written, and tells so until it can", () => {
    const told: (string | null)[] = [];
    const { journal, disk } = memory();
    const registry = createRegistry(journal, (error) => told.push(error?.message ?? null));
    const { key } = registry.add(attachmentOf("c1"));
    disk.full = true;
    expect(registry.update(key, { state: "returning" }).state).toBe("returning");
    disk.full = false;
    registry.update(key, { state: "stuck" });
    expect(told).toEqual([null, "database or disk is full", null]);
  });

  test("has the journal forget later what it could not forget on a full disk", () => {
    const { journal, rows, disk } = memory();
    const registry = createRegistry(journal, () => undefined);
    const gone = registry.add(attachmentOf("c1"));
    const stays = registry.add(attachmentOf("c2"));
    disk.full = true;
    registry.remove(gone.key);
    expect(registry.get(gone.key)).toBeNull();
    expect(rows.has(gone.key)).toBe(true);
    disk.full = false;
    registry.update(stays.key, { state: "attached" });
    expect(Array.from(rows.keys())).toEqual([stays.key]);
  });

  test("puts on record later what it could not put there on a full disk, whatever is written then", () => {
    const { journal, rows, disk } = memory();
    const registry = createRegistry(journal, () => undefined);
    const changed = registry.add(attachmentOf("c1"));
    disk.full = true;
    registry.update(changed.key, { state: "attached" });
    disk.full = false;
    registry.add(attachmentOf("c2"));
    expect(rows.get(changed.key)?.state).toBe("attached");
  });

  test("finds attachments by holder and by namespace, also those of an earlier daemon", () => {
    const old = { ...attachmentOf("c1"), key: 41 };
    const registry = createRegistry(memory([old]).journal, () => undefined);
    expect(registry.ofHolder("c1")).toEqual([old]);
    expect(registry.inNamespace("7")).toEqual([old]);
    expect(registry.inNamespace("8")).toEqual([]);
    expect(registry.add(attachmentOf("c2")).key).toBeGreaterThan(41);
    const holders = old.holders.map((holder) => ({ ...holder, id: "c3" }));
    registry.update(41, { holders });
    expect(registry.ofHolder("c1")).toEqual([]);
    expect(registry.ofHolder("c3")).toHaveLength(1);
  });
});
