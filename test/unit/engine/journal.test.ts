import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
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
  const { journal, setAside, isWhole } = openJournal(folder, as);
  using _ = journal;
  return { attachments: journal.attachments, setAside, isWhole };
}

describe("a journal", () => {
  test("holds nothing at first", () => {
    expect(reopened()).toEqual({ attachments: [], setAside: null, isWhole: true });
  });

  test("shows that it works, without a write, and throws where it does not", () => {
    const { journal } = openJournal(folder, owner);
    using _ = journal;
    const bytes = () => readdirSync(folder).map((name) => [name, statSync(join(folder, name)).mtimeMs]);
    const before = bytes();
    journal.check();
    expect(bytes()).toEqual(before);
    using other = new Database(join(folder, "journal.db"));
    other.run("BEGIN EXCLUSIVE");
    expect(() => journal.check()).toThrow();
    other.run("ROLLBACK");
    journal.check();
    other.run("DROP TABLE attachment");
    expect(() => journal.check()).toThrow();
  });

  test("tells the next daemon all that was put on record", async () => {
    const attachment = await anAttachment();
    const { journal } = openJournal(folder, owner);
    journal.add(attachment);
    journal.add({ ...attachment, key: 7 });
    journal[Symbol.dispose]();
    expect(reopened()).toEqual({
      attachments: [attachment, { ...attachment, key: 7 }],
      setAside: null,
      isWhole: true,
    });
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
    journal.update({ ...attachment, state: "returning" });
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

/** What was found wrong with it, and what is known all the same. */
type Found = ReturnType<typeof reopened>;

function run(sql: string): void {
  using database = new Database(FILE());
  database.run(sql);
}
const FILE = () => join(folder, "journal.db");
const copiesGone = () => rmSync(join(folder, "copies"), { recursive: true, force: true });

/** A journal of two attachments, 1 and 7, closed. */
async function aJournal(): Promise<readonly [Attachment, Attachment]> {
  const first = await anAttachment();
  const second = { ...first, key: 7, mapping: "another" };
  const { journal } = openJournal(folder, owner);
  using _ = journal;
  journal.add(first);
  journal.add(second);
  return [first, second];
}

function expectKeptAs(name: string, { setAside }: Found): void {
  expect(setAside?.path).toBe(join(folder, name));
  expect(readdirSync(folder)).toContain(name);
}

describe("a journal that is not about this boot and this home is put aside with its copies, told, and kept", () => {
  const cases: readonly [string, RegExp, () => void][] = [
    ["of another boot", /another boot/, () => run("UPDATE owner SET boot_id = 'boot-0'")],
    ["of another home", /another network namespace/, () => run("UPDATE owner SET home_cookie = '4'")],
    ["of a later version", /version 99/, () => run("UPDATE owner SET schema_version = 99")],
  ];
  for (const [title, reason, spoil] of cases) {
    test(title, async () => {
      await aJournal();
      spoil();
      const found = reopened();
      expect(found).toMatchObject({ attachments: [], isWhole: false, setAside: { fromCopies: 0 } });
      expect(found.setAside?.reason).toMatch(reason);
      expectKeptAs("journal.db.set-aside-1", found);
      expect(readdirSync(join(folder, "journal.db.set-aside-1-copies")).toSorted()).toEqual([
        "1.json",
        "7.json",
      ]);
      expect(reopened()).toEqual({ attachments: [], setAside: null, isWhole: false });
    });
  }

  test("one after another, none over the other", () => {
    for (const boot of ["boot-1", "boot-2", "boot-3"]) reopened({ ...owner, bootId: boot });
    const aside = readdirSync(folder).filter((name) => /set-aside-\d$/.test(name));
    expect(aside.toSorted()).toEqual(["journal.db.set-aside-1", "journal.db.set-aside-2"]);
  });
});

describe("a journal that cannot be read is kept, and its copies are taken", () => {
  const file = () => readFileSync(FILE());
  const cases: readonly [string, () => void][] = [
    ["of nobody", () => run("DELETE FROM owner")],
    ["without its tables", () => run("DROP TABLE device")],
    ["that is no database", () => writeFileSync(FILE(), "not a database".repeat(99))],
    ["that was cut off", () => truncateSync(FILE(), 5000)],
    ["that was cut off at a page", () => truncateSync(FILE(), 8192)],
    ["that was emptied", () => truncateSync(FILE(), 0)],
    ["with a page of zeros", () => writeFileSync(FILE(), file().fill(0, 4096, 8192))],
    ["with a page of garbage", () => writeFileSync(FILE(), file().fill(0xa5, 8192, 12288))],
    [
      "that is a folder",
      () => {
        rmSync(FILE());
        mkdirSync(FILE());
      },
    ],
  ];
  for (const [title, damage] of cases) {
    test(title, async () => {
      const attachments = await aJournal();
      damage();
      const found = reopened();
      expect(found).toMatchObject({ attachments, isWhole: false, setAside: { fromCopies: 2 } });
      expect(found.setAside?.reason).toMatch(/cannot be read/);
      expectKeptAs("journal.db.set-aside-1", found);
      expect(reopened()).toMatchObject({ attachments, setAside: null, isWhole: false });
    });

    test(`${title}, and no copies are there`, async () => {
      await aJournal();
      damage();
      copiesGone();
      const found = reopened();
      expect(found).toMatchObject({ attachments: [], isWhole: false, setAside: { fromCopies: 0 } });
      expectKeptAs("journal.db.set-aside-1", found);
    });
  }

  test("that is not there any more", async () => {
    const attachments = await aJournal();
    rmSync(FILE());
    expect(reopened()).toMatchObject({
      attachments,
      isWhole: false,
      setAside: { path: null, fromCopies: 2 },
    });
    expect(reopened()).toMatchObject({ attachments, setAside: null, isWhole: false });
  });

  test("that is not there any more, nor its copies: pins tell that there was one", () => {
    const { journal, setAside, isWhole } = openJournal(folder, owner, ["4711"]);
    journal[Symbol.dispose]();
    expect({ setAside, isWhole }).toMatchObject({ setAside: { path: null, fromCopies: 0 }, isWhole: false });
  });
});

describe("of a journal that is damaged in part the rest is kept", () => {
  const body = (table: string, value: string, where: string) => () =>
    run(`UPDATE ${table} SET body = '${value}' WHERE ${where}`);
  const cases: readonly [string, () => void][] = [
    ["a row that is no attachment", body("attachment", "{}", "key = 1")],
    ["a row that is no JSON", body("attachment", "{", "key = 1")],
    ["a row that is another's", body("attachment", '{"key":7}', "key = 1")],
    ["a device that is none", body("device", "[]", "attachment = 1 AND at = 1")],
    [
      "a device of wrong types",
      () =>
        run(
          "UPDATE device SET body = json_set(body, '$.snapshot.device.ifindex', 'two') WHERE attachment = 1 AND at = 0",
        ),
    ],
    ["a device that is not there", () => run("DELETE FROM device WHERE attachment = 1 AND at = 1")],
    ["devices whose attachment is not there", () => run("DELETE FROM attachment WHERE key = 1")],
  ];
  for (const [title, damage] of cases) {
    test(`${title} is taken from its copy`, async () => {
      const attachments = await aJournal();
      damage();
      const found = reopened();
      expect(found).toMatchObject({ attachments, isWhole: true, setAside: { fromCopies: 1 } });
      expect(found.setAside?.reason).toMatch(/attachment 1: /);
      expectKeptAs("journal.db.set-aside-1", found);
      expect(reopened()).toEqual({ attachments, setAside: null, isWhole: true });
    });

    test(`${title}, and its copy is not either`, async () => {
      const [, second] = await aJournal();
      damage();
      writeFileSync(join(folder, "copies", "1.json"), "{}");
      const found = reopened();
      expect(found).toMatchObject({ attachments: [second], isWhole: false, setAside: { fromCopies: 0 } });
      expect(reopened()).toEqual({ attachments: [second], setAside: null, isWhole: false });
    });
  }
});

describe("copies", () => {
  test("are of what is: what is forgotten has none, and one of nothing is taken away", async () => {
    const [first] = await aJournal();
    const { journal } = openJournal(folder, owner);
    writeFileSync(join(folder, "copies", "99.json"), "{}");
    journal.delete(7);
    expect(readdirSync(join(folder, "copies")).toSorted()).toEqual(["1.json", "99.json"]);
    journal.update({ ...first, state: "returning" });
    journal[Symbol.dispose]();
    reopened();
    expect(readdirSync(join(folder, "copies"))).toEqual(["1.json"]);
    rmSync(FILE());
    expect(reopened().attachments).toEqual([{ ...first, state: "returning" }]);
  });

  test("of another boot or home say nothing", async () => {
    for (const as of [
      { ...owner, bootId: "boot-0" },
      { ...owner, homeCookie: "4" },
    ]) {
      await aJournal();
      rmSync(FILE());
      expect(reopened(as).attachments).toEqual([]);
    }
  });

  test("that cannot be written are done without, and none is left that is not true any more", async () => {
    const [first] = await aJournal();
    const { journal } = openJournal(folder, owner);
    mkdirSync(join(folder, "copies", "1.json.tmp"));
    journal.update({ ...first, state: "returning" });
    journal[Symbol.dispose]();
    expect(readdirSync(join(folder, "copies"))).not.toContain("1.json");
    expect(reopened().attachments[0]?.state).toBe("returning");
  });
});

test("where no journal can be made, that is an error", () => {
  expect(() => openJournal(join(folder, "nowhere"), owner)).toThrow();
  expect(readJournal(join(folder, "nowhere"))).toEqual([]);
});
