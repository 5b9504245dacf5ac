import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AttachedDevice, Attachment } from "../../../src/domain/attachment.ts";
import { bootId, type JournalOwner, openJournal, readJournal } from "../../../src/engine/journal.ts";
import { startDaemon } from "../../sim/model/daemon.ts";
import { attachEvent, mappingFor } from "./events.ts";
import { machineWith, startContainer } from "./host.ts";

const owner: JournalOwner = { bootId: "boot-1", homeCookie: "3" };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "netdevd-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An Attachment as an engine makes it, with two devices. */
async function anAttachment(): Promise<Attachment> {
  const machine = machineWith("hardware", "veth");
  const mappings = [mappingFor("c1", { match: { name: "d?" }, count: 2, name: "net%d" })];
  using daemon = await startDaemon(machine, { mappings });
  await daemon.engine.handle(attachEvent(machine, "c1", startContainer(machine)));
  const [attachment] = daemon.engine.attachments();
  if (attachment === undefined) throw new Error("nothing was attached");
  return attachment;
}

/** What the next daemon finds. */
function reopened(as: JournalOwner = owner) {
  const { journal, setAside } = openJournal(folder, as);
  using _ = journal;
  return { attachments: journal.attachments, setAside };
}

describe("a journal", () => {
  test("holds nothing at first", () => {
    expect(reopened()).toEqual({ attachments: [], setAside: null });
  });

  test("tells the next daemon all that was put on record", async () => {
    const attachment = await anAttachment();
    const { journal } = openJournal(folder, owner);
    journal.add(attachment);
    journal.add({ ...attachment, key: 7 });
    journal[Symbol.dispose]();
    expect(reopened()).toEqual({ attachments: [attachment, { ...attachment, key: 7 }], setAside: null });
  });

  test("tells what was put there without having been closed: a daemon that is killed closes nothing", async () => {
    const attachment = await anAttachment();
    const { journal } = openJournal(folder, owner);
    using _ = journal;
    journal.add(attachment);
    expect(readJournal(folder)).toEqual([]);
    const database = new Database(join(folder, "journal.db"));
    database.run("UPDATE owner SET boot_id = ?", [bootId()]);
    database.close();
    expect(readJournal(folder)).toEqual([attachment]);
  });

  test("changes an attachment and its devices each by itself", async () => {
    const attachment = await anAttachment();
    const [first, second] = attachment.devices;
    if (first === undefined || second === undefined) throw new Error("two devices were attached");
    const home: AttachedDevice = { ...second, state: "home", insideIfindex: null };
    const { journal } = openJournal(folder, owner);
    journal.add(attachment);
    journal.updateDevice(attachment.key, 1, home);
    journal.update({ ...attachment, state: "returning", devices: [] });
    journal[Symbol.dispose]();
    const changed = { ...attachment, state: "returning", devices: [first, home] };
    expect(reopened().attachments).toEqual([changed as Attachment]);
  });

  test("forgets what is home, devices and all", async () => {
    const attachment = await anAttachment();
    const { journal } = openJournal(folder, owner);
    journal.add(attachment);
    journal.delete(attachment.key);
    journal.add({ ...attachment, devices: attachment.devices.slice(0, 1) });
    journal[Symbol.dispose]();
    expect(reopened().attachments[0]?.devices).toHaveLength(1);
  });
});

describe("a journal that says nothing of this boot and this home is put aside, told, and kept", () => {
  const cases: readonly [string, RegExp, () => void][] = [
    ["of another boot", /another boot/, () => run("UPDATE owner SET boot_id = 'boot-0'")],
    ["of another home", /another network namespace/, () => run("UPDATE owner SET home_cookie = '4'")],
    ["of a later version", /version 99/, () => run("UPDATE owner SET schema_version = 99")],
    ["of nobody", /whose it is/, () => run("DELETE FROM owner")],
    ["without its tables", /cannot be read/, () => run("DROP TABLE device")],
    [
      "with a row that is no attachment",
      /cannot be read/,
      () => run("INSERT INTO attachment VALUES (9, '{}')"),
    ],
    ["with a row that is no JSON", /cannot be read/, () => run("INSERT INTO attachment VALUES (9, '{')")],
    [
      "that is no database",
      /cannot be read/,
      () => writeFileSync(join(folder, "journal.db"), "not a database".repeat(99)),
    ],
    ["that was cut off", /cannot be read/, () => truncateSync(join(folder, "journal.db"), 5000)],
  ];
  function run(sql: string): void {
    using database = new Database(join(folder, "journal.db"));
    database.run(sql);
  }
  for (const [title, reason, damage] of cases) {
    test(title, async () => {
      const { journal } = openJournal(folder, owner);
      journal.add(await anAttachment());
      journal[Symbol.dispose]();
      damage();
      const { attachments, setAside } = reopened();
      expect(attachments).toEqual([]);
      expect(setAside?.reason).toMatch(reason);
      expect(setAside?.path).toBe(join(folder, "journal.db.set-aside-1"));
      expect(readdirSync(folder)).toContain("journal.db.set-aside-1");
      expect(reopened()).toEqual({ attachments: [], setAside: null });
    });
  }

  test("one after another, none over the other", () => {
    for (const boot of ["boot-1", "boot-2", "boot-3"]) reopened({ ...owner, bootId: boot });
    const aside = readdirSync(folder).filter((name) => /set-aside-\d$/.test(name));
    expect(aside.toSorted()).toEqual(["journal.db.set-aside-1", "journal.db.set-aside-2"]);
  });

  test("an empty file is begun anew", () => {
    writeFileSync(join(folder, "journal.db"), "");
    expect(reopened().attachments).toEqual([]);
    expect(reopened()).toEqual({ attachments: [], setAside: null });
  });
});

test("where no journal can be made, that is an error", () => {
  expect(() => openJournal(join(folder, "nowhere"), owner)).toThrow();
  expect(readJournal(join(folder, "nowhere"))).toEqual([]);
});
