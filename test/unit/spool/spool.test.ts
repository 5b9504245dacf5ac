import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import type { Outcome, Verdict } from "../../../src/domain/verdict.ts";
import type { Files, Trouble } from "../../../src/spool/files.ts";
import { refusedVerdict } from "../../../src/spool/refusal.ts";
import { type Look, openSpool, type Spool, type Taken } from "../../../src/spool/spool.ts";
import { SpoolWatcher } from "../../../src/spool/watch.ts";
import { Scratch, systemError, until } from "./scratch.ts";

/** The three folders of a daemon, and as many daemons after one another as a test wants. */
class House extends Scratch {
  readonly spool = this.at("spool");
  readonly results = this.at("results");
  readonly troubles: Trouble[] = [];
  readonly living = new Set<string>();
  now = 0;
  freed = 0;

  constructor() {
    super();
    fs.mkdirSync(this.at("state"), { mode: 0o700 });
    fs.mkdirSync(this.spool, { mode: 0o700 });
  }

  open(files: Files = fs): Spool {
    return openSpool({
      spool: this.spool,
      results: this.results,
      state: this.at("state"),
      owner: process.geteuid?.() ?? 0,
      clock: () => this.now,
      isHeld: () => false,
      lifeOf: (event) => {
        const { id } = event;
        return id === null ? null : () => this.living.has(id);
      },
      onFree: () => {
        this.freed += 1;
      },
      onTrouble: (trouble) => this.troubles.push(trouble),
      files,
    });
  }

  /** Drops an event as a runtime's hook does. */
  drop(name: string, content: unknown = { id: name.replace(/\.json$/, ""), status: "stopped" }): void {
    fs.writeFileSync(this.at("draft"), typeof content === "string" ? content : JSON.stringify(content));
    fs.renameSync(this.at("draft"), `${this.spool}/${name}`);
  }

  verdict(name: string): { outcome: Outcome; error: { code: string; message: string } | null } | null {
    const path = `${this.results}/${name}`;
    return fs.existsSync(path) ? JSON.parse(fs.readFileSync(path, "utf8")) : null;
  }

  in(folder: "claimed" | "refused"): string[] {
    return fs.readdirSync(`${this.spool}/${folder}`).sort();
  }
}

function verdictOn(taken: Taken): Verdict {
  if ("refusal" in taken) return refusedVerdict(taken.name, taken.refusal);
  const { event } = taken;
  return {
    event: event.name,
    id: event.id,
    outcome: "unchanged",
    mapping: null,
    devices: [],
    warnings: [],
    error: null,
  };
}

function takeAll(spool: Spool): Taken[] {
  const taken: Taken[] = [];
  for (;;) {
    const look = spool.take();
    expect(look.faults).toEqual([]);
    taken.push(...look.taken);
    if (!look.more) return taken;
  }
}

const namesOf = (taken: readonly Taken[]) => taken.map(({ name }) => name);

describe("an event's way", () => {
  test("its verdict stays for a minute, and as long as its container lives", () => {
    using house = new House();
    const spool = house.open();
    for (const id of ["living", "dead"]) house.drop(`${id}.json`, { id, status: "creating", pid: 7 });
    house.drop("none.json", "no event");
    for (const taken of takeAll(spool)) spool.answer(verdictOn(taken));
    house.living.add("living");
    house.now = 60_000;
    spool.sweep();
    expect(["living", "dead", "none"].map((id) => house.verdict(`${id}.json`) !== null)).toEqual([
      true,
      false,
      false,
    ]);
    house.living.clear();
    house.now = 120_000;
    spool.sweep();
    expect(house.verdict("living.json")).toBeNull();
  });

  test("so does that on an event which the daemon before did not live to answer", () => {
    using house = new House();
    house.drop("1.json", { id: "c", status: "creating", pid: 7 });
    takeAll(house.open());
    const spool = house.open();
    for (const taken of takeAll(spool)) spool.answer(verdictOn(taken));
    house.living.add("c");
    house.now = 60_000;
    spool.sweep();
    expect(house.verdict("1.json")).not.toBeNull();
  });

  test("it is claimed, read, answered, and gone", () => {
    using house = new House();
    const spool = house.open();
    house.drop("1.json", { id: "c", status: "creating", pid: 7, annotations: { a: "b" } });
    const [taken] = takeAll(spool);
    expect(taken).toMatchObject({ name: "1.json", event: { id: "c", target: { by: "pid", pid: 7 } } });
    expect(house.in("claimed")).toEqual(["1.json"]);
    expect(spool.isAnswered("1.json")).toBe(false);
    if (taken !== undefined) spool.answer(verdictOn(taken));
    expect(spool.isAnswered("1.json")).toBe(true);
    expect(house.verdict("1.json")).toMatchObject({ event: "1.json", id: "c", outcome: "unchanged" });
    expect([house.in("claimed"), house.in("refused")]).toEqual([[], []]);
    expect(takeAll(spool)).toEqual([]);
  });

  test("the time of writing is the file's mtime", () => {
    using house = new House();
    house.drop("1.json");
    fs.utimesSync(`${house.spool}/1.json`, 0, 1_700_000_000.5);
    expect(takeAll(house.open())).toMatchObject([{ event: { writtenAt: 1_700_000_000_500 } }]);
  });

  test("the folders are made where they are missing", () => {
    using house = new House();
    fs.rmSync(house.spool, { recursive: true });
    takeAll(house.open());
    expect(fs.readdirSync(house.path).sort()).toEqual(["results", "spool", "state"]);
    expect(fs.statSync(house.spool).mode & 0o777).toBe(0o700);
    expect(fs.statSync(house.results).mode & 0o777).toBe(0o755);
  });

  test("names that are none of events stay where they are", () => {
    using house = new House();
    for (const name of [".a.json", "a.json.tmp", "a.tmp", "a.txt"]) house.drop(name);
    expect(takeAll(house.open())).toEqual([]);
    expect(fs.readdirSync(house.spool).sort()).toEqual([
      ".a.json",
      "a.json.tmp",
      "a.tmp",
      "a.txt",
      "claimed",
      "refused",
    ]);
  });

  test.each([`${"x".repeat(250)}.json`, `${"ä".repeat(125)}.json`, "a\nb\u0007.json"])(
    "under the name %p",
    (name) => {
      using house = new House();
      const spool = house.open();
      house.drop(name, { id: "c", status: "stopped" });
      for (const taken of takeAll(spool)) spool.answer(verdictOn(taken));
      expect(house.verdict(name)).toMatchObject({ event: name, outcome: "unchanged" });
    },
  );

  test("a file that vanishes before it is claimed is no error", () => {
    using house = new House();
    house.drop("1.json");
    house.drop("2.json");
    const renameSync: Files["renameSync"] = (from, to) => {
      fs.rmSync(`${house.spool}/1.json`, { force: true });
      fs.renameSync(from, to);
    };
    expect(namesOf(takeAll(house.open({ ...fs, renameSync })))).toEqual(["2.json"]);
    expect(house.troubles).toEqual([]);
  });
});

describe("order and bursts", () => {
  test("events are taken by change time, whatever their names and times of writing", async () => {
    using house = new House();
    for (const [at, name] of ["c", "a", "d", "b"].entries()) {
      house.drop(`${name}.json`);
      fs.utimesSync(`${house.spool}/${name}.json`, 1000 - at, 1000 - at);
      await Bun.sleep(20);
    }
    expect(namesOf(takeAll(house.open()))).toEqual(["c.json", "a.json", "d.json", "b.json"]);
  });

  test("5,000 files at once are taken in order, a slice at a time, and each is answered", () => {
    using house = new House();
    const ctime = new Map<string, bigint>();
    for (let at = 0; at < 5000; at++) house.drop(`${(at * 7919) % 5000}.json`);
    for (const name of fs.readdirSync(house.spool)) {
      ctime.set(name, fs.lstatSync(`${house.spool}/${name}`, { bigint: true }).ctimeNs);
    }
    const expected = [...ctime.keys()].sort((a, b) => {
      const difference = (ctime.get(a) ?? 0n) - (ctime.get(b) ?? 0n);
      return difference < 0n ? -1 : difference > 0n ? 1 : a < b ? -1 : 1;
    });
    const spool = house.open();
    const slices: Look[] = [];
    do {
      const look = spool.take();
      slices.push(look);
      for (const taken of look.taken) spool.answer(verdictOn(taken));
    } while (slices.at(-1)?.more === true);
    expect(slices.flatMap(({ taken }) => namesOf(taken))).toEqual(expected);
    expect(Math.max(...slices.map(({ taken }) => taken.length))).toBeLessThanOrEqual(100);
    expect(fs.readdirSync(house.results)).toHaveLength(5000);
    expect(house.in("claimed")).toEqual([]);
  }, 30_000);
});

describe("the same name again", () => {
  test("after its verdict: the old verdict is gone before the event is taken", () => {
    using house = new House();
    const spool = house.open();
    house.drop("1.json");
    for (const taken of takeAll(spool)) spool.answer(verdictOn(taken));
    house.drop("1.json", { id: "other", status: "stopped" });
    expect(takeAll(spool)).toMatchObject([{ name: "1.json", event: { id: "other" } }]);
    expect(house.verdict("1.json")).toBeNull();
  });

  test("before its verdict: it waits in the spool until the first is answered", () => {
    using house = new House();
    const spool = house.open();
    house.drop("1.json", { id: "first", status: "stopped" });
    const [first] = takeAll(spool);
    house.drop("1.json", { id: "second", status: "stopped" });
    house.drop("2.json");
    expect(namesOf(takeAll(spool))).toEqual(["2.json"]);
    expect(house.freed).toBe(0);
    if (first !== undefined) spool.answer(verdictOn(first));
    expect(house.verdict("1.json")).toMatchObject({ id: "first" });
    expect(house.freed).toBe(1);
    expect(takeAll(spool)).toMatchObject([{ name: "1.json", event: { id: "second" } }]);
    expect(house.verdict("1.json")).toBeNull();
  });
});

describe("files that are no events are refused, told why, and kept", () => {
  const put: Readonly<Record<string, readonly [put: (path: string) => void, message: RegExp]>> = {
    "broken JSON": [
      (path) => fs.writeFileSync(path, "{\n oops"),
      /^line 2, column 2: expected a key in quotes or "}"/,
    ],
    "wrong types": [
      (path) => fs.writeFileSync(path, '{"id":"c","status":7}'),
      /^status: expected "creating", /,
    ],
    "over 1 MiB": [
      (path) => fs.writeFileSync(path, Buffer.alloc(1024 * 1024 + 1, " ")),
      /1048576 bytes at most, found 1048577$/,
    ],
    "an empty file": [(path) => fs.writeFileSync(path, ""), /^line 1, column 1: /],
    "a link": [(path) => fs.symlinkSync("/etc/hostname", path), /found a symbolic link$/],
    "a FIFO": [(path) => Bun.spawnSync(["mkfifo", path]), /found a FIFO$/],
    "a folder": [(path) => fs.mkdirSync(`${path}/deep`, { recursive: true }), /found a folder$/],
  };
  test.each(Object.entries(put))("%s", (_, [make, message]) => {
    using house = new House();
    const spool = house.open();
    make(`${house.spool}/bad.json`);
    house.drop("good.json");
    const taken = takeAll(spool);
    for (const one of taken) spool.answer(verdictOn(one));
    expect(namesOf(taken).sort()).toEqual(["bad.json", "good.json"]);
    expect(house.verdict("good.json")?.outcome).toBe("unchanged");
    expect(house.verdict("bad.json")).toMatchObject({ outcome: "refused", error: { code: "invalid-event" } });
    expect(house.verdict("bad.json")?.error?.message).toMatch(message);
    expect([house.in("claimed"), house.in("refused")]).toEqual([[], ["bad.json"]]);
  });

  test("without permission to read", () => {
    using house = new House();
    house.drop("bad.json");
    const openSync: Files["openSync"] = (path, ...args) => {
      if (String(path).endsWith("claimed/bad.json")) throw systemError("EACCES", "permission denied");
      return fs.openSync(path, ...args);
    };
    const spool = house.open({ ...fs, openSync });
    for (const taken of takeAll(spool)) spool.answer(verdictOn(taken));
    expect(house.verdict("bad.json")?.error?.message).toBe(
      "the file cannot be read: EACCES: permission denied",
    );
    expect(house.in("refused")).toEqual(["bad.json"]);
  });

  test("a name that is no UTF-8", () => {
    using house = new House();
    const spool = house.open();
    const raw = Buffer.concat([Buffer.from(`${house.spool}/`), Buffer.from([0xff]), Buffer.from(".json")]);
    fs.writeFileSync(raw, '{"id":"c","status":"stopped"}');
    for (const taken of takeAll(spool)) spool.answer(verdictOn(taken));
    expect(house.verdict("%ff.json")).toMatchObject({ outcome: "refused" });
    expect(house.in("refused")).toEqual(["%ff.json"]);
  });

  test("one that cannot be claimed is told once, and again after it changed", () => {
    using house = new House();
    house.drop("1.json");
    let stuck = true;
    const renameSync: Files["renameSync"] = (from, to) => {
      if (stuck && String(from) === `${house.spool}/1.json`)
        throw systemError("EBUSY", "device or resource busy");
      fs.renameSync(from, to);
    };
    const spool = house.open({ ...fs, renameSync });
    const taken = takeAll(spool);
    for (const one of taken) spool.answer(verdictOn(one));
    expect(house.verdict("1.json")?.error?.message).toBe(
      "the file cannot be claimed: EBUSY: device or resource busy",
    );
    expect(takeAll(spool)).toEqual([]);
    stuck = false;
    house.drop("1.json");
    expect(takeAll(spool)).toMatchObject([{ event: { id: "1" } }]);
  });
});

describe("a daemon that died", () => {
  test("left claimed events: they come first, in their order, before what waits", async () => {
    using house = new House();
    for (const name of ["b", "c", "a"]) {
      house.drop(`${name}.json`);
      await Bun.sleep(20);
    }
    expect(takeAll(house.open())).toHaveLength(3);
    house.drop("0.json");
    const spool = house.open();
    expect(namesOf(takeAll(spool))).toEqual(["b.json", "c.json", "a.json", "0.json"]);
    expect(house.in("claimed")).toEqual(["0.json", "a.json", "b.json", "c.json"]);
  });

  test("between verdict and removal: an answered event is not taken again, a refused file is kept", () => {
    using house = new House();
    house.drop("good.json");
    house.drop("bad.json", "no JSON");
    const spool = house.open();
    const taken = takeAll(spool);
    for (const one of taken) fs.writeFileSync(`${house.results}/${one.name}`, JSON.stringify(verdictOn(one)));
    expect(takeAll(house.open())).toEqual([]);
    expect([house.in("claimed"), house.in("refused")]).toEqual([[], ["bad.json"]]);
    expect(house.verdict("good.json")?.outcome).toBe("unchanged");
  });

  test("an old verdict does not answer a new event of its name that waited for the start", () => {
    using house = new House();
    house.drop("1.json");
    const before = house.open();
    for (const taken of takeAll(before)) before.answer(verdictOn(taken));
    house.drop("1.json");
    const after = house.open();
    expect(namesOf(takeAll(after))).toEqual(["1.json"]);
    expect(house.verdict("1.json")).toBeNull();
  });
});

describe("folders at fault", () => {
  test.each(["spool", "results", "state"] as const)(
    "nothing is taken while %s may be written by others",
    (name) => {
      using house = new House();
      const spool = house.open();
      takeAll(spool);
      house.drop("1.json");
      fs.chmodSync(house.at(name), 0o777);
      for (let times = 0; times < 2; times++) {
        const look = spool.take();
        expect(look).toMatchObject({
          taken: [],
          more: false,
          faults: [{ path: house.at(name), found: "has mode 0777" }],
        });
      }
      expect(fs.existsSync(`${house.spool}/1.json`)).toBe(true);
      fs.chmodSync(house.at(name), name === "results" ? 0o755 : 0o700);
      expect(namesOf(takeAll(spool))).toEqual(["1.json"]);
    },
  );

  test("nothing is made in what a link in the spool's place leads to", () => {
    using house = new House();
    fs.mkdirSync(house.at("elsewhere"), { mode: 0o700 });
    fs.rmdirSync(house.spool);
    fs.symlinkSync("elsewhere", house.spool);
    expect(house.open().take().faults).toMatchObject([{ path: house.spool, found: "is a symbolic link" }]);
    expect(fs.readdirSync(house.at("elsewhere"))).toEqual([]);
  });

  test("a missing state folder is a fault, because the journal is gone with it", () => {
    using house = new House();
    fs.rmdirSync(house.at("state"));
    expect(house.open().take().faults).toMatchObject([{ path: house.at("state"), found: "is not there" }]);
  });
});

describe("a machine that is short of something", () => {
  test.each([
    ["no free fd to read a claimed event", "openSync", "EMFILE", "too many open files"],
    ["no room to claim", "renameSync", "ENOSPC", "no space left on device"],
  ] as const)("%s: told, nothing is refused, all is taken later", (_, call, code, words) => {
    using house = new House();
    house.drop("1.json");
    house.drop("2.json");
    let short = true;
    const failing = (...args: readonly unknown[]) => {
      if (short && String(args[0]).endsWith("/1.json")) throw systemError(code, words);
      return Reflect.apply(fs[call], fs, args);
    };
    const spool = house.open({ ...fs, [call]: failing });
    for (let times = 0; times < 3; times++) {
      expect(spool.take()).toMatchObject({
        taken: [],
        more: false,
        faults: [{ found: expect.stringContaining(words) }],
      });
    }
    short = false;
    expect(namesOf(takeAll(spool))).toEqual(["1.json", "2.json"]);
  });

  test("a verdict that cannot be written keeps its event claimed until it is", () => {
    using house = new House();
    house.drop("1.json");
    let full = true;
    const writeFileSync: Files["writeFileSync"] = (...args) => {
      if (full) throw systemError("ENOSPC", "no space left on device");
      fs.writeFileSync(...args);
    };
    const spool = house.open({ ...fs, writeFileSync });
    for (const taken of takeAll(spool)) spool.answer(verdictOn(taken));
    expect(spool.unwritten).toContain("ENOSPC");
    expect(house.in("claimed")).toEqual(["1.json"]);
    full = false;
    spool.sweep();
    expect(spool.unwritten).toBeNull();
    expect(house.in("claimed")).toEqual([]);
    expect(house.verdict("1.json")?.outcome).toBe("unchanged");
  });
});

test("watched, a spool takes what is dropped before, between and after its folder is replaced", async () => {
  using house = new House();
  const spool = house.open();
  const look = () => {
    const { taken, more } = spool.take();
    for (const one of taken) spool.answer(verdictOn(one));
    if (more) setImmediate(look);
  };
  house.drop("before.json");
  using _ = new SpoolWatcher({
    path: house.spool,
    onLook: look,
    onTrouble: (trouble) => house.troubles.push(trouble),
  });
  await until(() => spool.isAnswered("before.json"));
  for (let at = 0; at < 500; at++) house.drop(`first-${at}.json`);
  fs.renameSync(house.spool, house.at("old"));
  fs.mkdirSync(house.spool, { mode: 0o700 });
  for (let at = 0; at < 500; at++) house.drop(`second-${at}.json`);
  await until(() => fs.readdirSync(house.results).filter((name) => name.startsWith("second")).length === 500);
  fs.rmSync(house.spool, { recursive: true });
  await until(() => fs.existsSync(`${house.spool}/claimed`));
  house.drop("last.json");
  await until(() => spool.isAnswered("last.json"));
  expect(house.troubles).toEqual([]);
});
