import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openJournal } from "../../src/engine/journal.ts";

const SQL = readFileSync(join(import.meta.dir, "journal-1.sql"), "utf8");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "netdevd-journal-"));
  using database = new Database(join(folder, "journal.db"));
  database.run(SQL);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What a daemon that was installed over that of the journal finds. */
function found() {
  const { journal, setAside, isWhole } = openJournal(folder, { bootId: "boot-1", homeCookie: "3" });
  using _ = journal;
  return { attachments: journal.attachments, setAside, isWhole };
}

function rows(table: "attachment" | "device", key: number): unknown[] {
  using database = new Database(join(folder, "journal.db"));
  const column = table === "device" ? "attachment" : "key";
  const read = database.query<{ body: string }, [number]>(`SELECT body FROM ${table} WHERE ${column} = ?`);
  return read.all(key).map(({ body }) => JSON.parse(body));
}

test("the journal of an earlier daemon of the same version is read whole", () => {
  const { attachments, setAside, isWhole } = found();
  expect({ setAside, isWhole, keys: attachments.map(({ key }) => key) }).toEqual({
    setAside: null,
    isWhole: true,
    keys: [1, 2],
  });
});

test("nothing that was on record is dropped", () => {
  const { attachments } = found();
  for (const { key, devices, ...head } of attachments) {
    expect(rows("attachment", key)).toEqual([{ ...head, key, device_count: devices.length }]);
    expect(devices).toMatchObject(rows("device", key));
  }
});

test("what was not on record yet is as if there were none", () => {
  const [, first] = found().attachments;
  expect(first?.devices).toMatchObject([
    { movedTo: null, snapshot: { routes: [], neighbours: [], port: null, qdisc: null, sysctls: {} } },
  ]);
});
