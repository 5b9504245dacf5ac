import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import type { Verdict } from "../../../src/domain/verdict.ts";
import type { Files, Trouble } from "../../../src/spool/files.ts";
import { openVerdicts, VERDICT_LIMITS, type VerdictLimits } from "../../../src/spool/verdicts.ts";
import { Scratch, systemError, until } from "./scratch.ts";

function verdict(event: string, id: string | null = null): Verdict {
  return { event, id, outcome: "unchanged", mapping: null, devices: [], warnings: [], error: null };
}

class Results extends Scratch {
  readonly held = new Set<string>();
  readonly written: string[] = [];
  readonly troubles: Trouble[] = [];

  open(limits: VerdictLimits = VERDICT_LIMITS, files: Files = fs) {
    return openVerdicts({
      files,
      folder: this.path,
      isHeld: (id) => this.held.has(id),
      onWritten: (name) => this.written.push(name),
      onTrouble: (trouble) => this.troubles.push(trouble),
      limits,
    });
  }

  names(): string[] {
    return fs.readdirSync(this.path).sort();
  }
}

describe("write", () => {
  test("gives a whole file of mode 0644 under any umask, with nothing beside it", () => {
    using results = new Results();
    const umask = process.umask(0o077);
    try {
      results.open().write(verdict("a.json", "c"), 0);
    } finally {
      process.umask(umask);
    }
    expect(JSON.parse(fs.readFileSync(results.at("a.json"), "utf8"))).toEqual(verdict("a.json", "c"));
    expect(fs.readFileSync(results.at("a.json"), "utf8")).toEndWith("}\n");
    expect(fs.statSync(results.at("a.json")).mode & 0o777).toBe(0o644);
    expect(results.names()).toEqual(["a.json"]);
    expect(results.written).toEqual(["a.json"]);
  });

  test.each([`${"x".repeat(250)}.json`, `${"ä".repeat(125)}.json`, "a b\n'\"$.json"])(
    "under the name %p",
    (name) => {
      using results = new Results();
      const verdicts = results.open();
      verdicts.write(verdict(name), 0);
      verdicts.write(verdict(name, "again"), 0);
      expect(results.names()).toEqual([name]);
      expect(verdicts.has(name)).toBe(true);
      expect(results.troubles).toEqual([]);
    },
  );

  test("replaces a file, a link and a folder of its name", async () => {
    using results = new Results();
    fs.writeFileSync(results.at("other"), "kept");
    fs.symlinkSync("other", results.at("link.json"));
    fs.mkdirSync(results.at("folder.json", "deep"), { recursive: true });
    const verdicts = results.open();
    for (const name of ["link.json", "folder.json"]) verdicts.write(verdict(name), 0);
    expect(fs.lstatSync(results.at("link.json")).isFile()).toBe(true);
    expect(fs.lstatSync(results.at("folder.json")).isFile()).toBe(true);
    expect(fs.readFileSync(results.at("other"), "utf8")).toBe("kept");
    await until(() => results.names().join() === "folder.json,link.json,other");
  });

  test("a reader never sees half a verdict", () => {
    using results = new Results();
    const seen: string[] = [];
    const renameSync: Files["renameSync"] = (from, to) => {
      seen.push(...results.names());
      fs.renameSync(from, to);
    };
    results.open(VERDICT_LIMITS, { ...fs, renameSync }).write(verdict("a.json"), 0);
    expect(seen).toEqual([".verdict"]);
  });
});

/** A disk without room. */
function fullDisk() {
  let isFull = true;
  const openSync: Files["openSync"] = (...args) => {
    if (isFull) throw systemError("ENOSPC", "no space left on device");
    return fs.openSync(...args);
  };
  return {
    files: { ...fs, openSync },
    makeRoom: () => {
      isFull = false;
    },
  };
}

describe("remove", () => {
  test("removes a verdict on disk and one that waits to be written", () => {
    using results = new Results();
    const disk = fullDisk();
    const verdicts = results.open(VERDICT_LIMITS, disk.files);
    fs.writeFileSync(results.at("a.json"), "{}");
    verdicts.write(verdict("b.json"), 0);
    verdicts.remove("a.json");
    verdicts.remove("b.json");
    verdicts.remove("never.json");
    disk.makeRoom();
    verdicts.sweep(0);
    expect(results.names()).toEqual([]);
  });
});

describe("retention", () => {
  test("is 60 seconds and 10,000 files, as the contract says", () => {
    expect(VERDICT_LIMITS).toMatchObject({ keep: 60_000, count: 10_000 });
  });

  test("60 seconds, and for as long as the container lives", () => {
    using results = new Results();
    const verdicts = results.open();
    results.held.add("living");
    verdicts.write(verdict("a.json", "living"), 1000);
    verdicts.write(verdict("b.json", "dead"), 1000);
    verdicts.write(verdict("c.json"), 1000);
    verdicts.sweep(60_999);
    expect(results.names()).toEqual(["a.json", "b.json", "c.json"]);
    verdicts.sweep(61_000);
    expect(results.names()).toEqual(["a.json"]);
    results.held.clear();
    verdicts.sweep(61_000);
    expect(results.names()).toEqual([]);
  });

  test("60 seconds, and for as long as what its event named lives, which is looked at by and by", () => {
    using results = new Results();
    const verdicts = results.open();
    let looks = 0;
    let lives = true;
    const life = () => {
      looks += 1;
      return lives;
    };
    verdicts.write(verdict("a.json", "c"), 0, life);
    verdicts.write(verdict("b.json", "dead"), 0, () => false);
    verdicts.sweep(59_999);
    expect(looks).toBe(0);
    for (let now = 60_000; now < 240_000; now += 5000) verdicts.sweep(now);
    expect(results.names()).toEqual(["a.json"]);
    expect(looks).toBe(3);
    lives = false;
    verdicts.sweep(240_000);
    expect(results.names()).toEqual([]);
  });

  test("what is on record is not looked at", () => {
    using results = new Results();
    results.held.add("living");
    const verdicts = results.open();
    verdicts.write(verdict("a.json", "living"), 0, () => {
      throw new Error("looked at");
    });
    verdicts.sweep(60_000);
    expect(results.names()).toEqual(["a.json"]);
  });

  test("a verdict that is written again is as old as its last writing", () => {
    using results = new Results();
    const verdicts = results.open();
    verdicts.write(verdict("a.json"), 0);
    verdicts.write(verdict("a.json"), 50_000);
    verdicts.sweep(70_000);
    expect(results.names()).toEqual(["a.json"]);
  });

  test("too many: the oldest without a living container goes, then the oldest", () => {
    using results = new Results();
    const verdicts = results.open({ ...VERDICT_LIMITS, count: 3 });
    results.held.add("living");
    for (const [name, id] of [
      ["a", "living"],
      ["b", "dead"],
      ["c", "living"],
      ["d", "living"],
    ] as const) {
      verdicts.write(verdict(`${name}.json`, id), 0);
    }
    expect(results.names()).toEqual(["a.json", "c.json", "d.json"]);
    verdicts.write(verdict("e.json", "living"), 0);
    expect(results.names()).toEqual(["c.json", "d.json", "e.json"]);
  });

  test("too many: what lives goes after what does not, and what was written just now not at all", () => {
    using results = new Results();
    const verdicts = results.open({ ...VERDICT_LIMITS, count: 3 });
    for (const [name, lives] of [
      ["a", true],
      ["b", false],
      ["c", true],
      ["d", true],
    ] as const) {
      verdicts.write(verdict(`${name}.json`, name), 0, () => lives);
    }
    expect(results.names()).toEqual(["a.json", "c.json", "d.json"]);
    verdicts.write(verdict("e.json"), 0);
    expect(results.names()).toEqual(["c.json", "d.json", "e.json"]);
  });

  test("too many: few are looked at for each that is written", () => {
    using results = new Results();
    const verdicts = results.open({ ...VERDICT_LIMITS, count: 50, looks: 10 });
    let looks = 0;
    const life = () => {
      looks += 1;
      return true;
    };
    for (let at = 0; at < 50; at++) verdicts.write(verdict(`${at}.json`), 0, life);
    expect(looks).toBe(0);
    for (let at = 50; at < 53; at++) {
      verdicts.write(verdict(`${at}.json`), 0, life);
      expect(looks).toBe(10 * (at - 49));
      expect(results.names()).toHaveLength(50);
    }
  });

  test("one sweep looks at no more than it may, the next ones at the rest", () => {
    using results = new Results();
    const verdicts = results.open({ ...VERDICT_LIMITS, sweep: 10 });
    let looks = 0;
    const life = () => {
      looks += 1;
      return true;
    };
    for (let at = 0; at < 25; at++) verdicts.write(verdict(`${at}.json`), 0, life);
    const looked = [1, 2, 3, 4].map(() => {
      verdicts.sweep(60_000);
      return looks;
    });
    expect(looked).toEqual([10, 20, 25, 25]);
  });

  test("one sweep removes no more than it may, the next ones the rest", () => {
    using results = new Results();
    const verdicts = results.open({ ...VERDICT_LIMITS, sweep: 10 });
    for (let at = 0; at < 25; at++) verdicts.write(verdict(`${at}.json`), 0);
    const left = [1, 2, 3].map(() => {
      verdicts.sweep(60_000);
      return results.names().length;
    });
    expect(left).toEqual([15, 5, 0]);
  });

  test("a new daemon knows the verdicts of the last one, and begins to count anew", () => {
    using results = new Results();
    const before = results.open();
    before.write(verdict("a.json", "living"), 0);
    before.write(verdict("b.json", "dead"), 0);
    fs.writeFileSync(results.at("c.json"), "no verdict");
    fs.writeFileSync(results.at("not-ours.txt"), "");
    fs.writeFileSync(results.at(".verdict"), "half a ver");
    results.held.add("living");
    const after = results.open();
    after.learn(1_000_000);
    expect(results.names()).toEqual(["a.json", "b.json", "c.json", "not-ours.txt"]);
    after.sweep(1_059_999);
    expect(results.names()).toEqual(["a.json", "b.json", "c.json", "not-ours.txt"]);
    after.sweep(1_060_000);
    expect(results.names()).toEqual(["a.json", "not-ours.txt"]);
  });

  test("a new daemon with a lower bound lets the oldest go", () => {
    using results = new Results();
    for (const [at, name] of ["c", "a", "b"].entries()) {
      results.open().write(verdict(`${name}.json`), 0);
      fs.utimesSync(results.at(`${name}.json`), at, at);
    }
    results.open({ ...VERDICT_LIMITS, count: 2 }).learn(0);
    expect(results.names()).toEqual(["a.json", "b.json"]);
  });

  test("files that others removed are no trouble", () => {
    using results = new Results();
    const verdicts = results.open();
    verdicts.write(verdict("a.json"), 0);
    fs.unlinkSync(results.at("a.json"));
    verdicts.sweep(60_000);
    expect(results.troubles).toEqual([]);
  });
});

describe("a full disk", () => {
  test.each(["openSync", "writeFileSync", "renameSync"] as const)(
    "at %s: told, kept in memory, tried again",
    (call) => {
      using results = new Results();
      let full = true;
      const failing = (...args: readonly unknown[]) => {
        if (full) throw systemError("ENOSPC", "no space left on device");
        return Reflect.apply(fs[call], fs, args);
      };
      const verdicts = results.open(VERDICT_LIMITS, { ...fs, [call]: failing });
      verdicts.write(verdict("a.json", "c"), 0);
      verdicts.write(verdict("b.json", "c"), 0);
      expect(results.names()).toEqual([]);
      expect(results.written).toEqual([]);
      verdicts.sweep(10);
      expect(verdicts.unwritten).toBe(
        `cannot write the verdict ${results.at("a.json")}: ENOSPC: no space left on device; it is tried again, and its event stays claimed until then`,
      );
      full = false;
      verdicts.sweep(20);
      expect(verdicts.unwritten).toBeNull();
      expect(results.written).toEqual(["a.json", "b.json"]);
      expect(results.names()).toEqual(["a.json", "b.json"]);
      expect(JSON.parse(fs.readFileSync(results.at("b.json"), "utf8"))).toEqual(verdict("b.json", "c"));
      full = true;
      verdicts.write(verdict("c.json"), 30);
      expect(verdicts.unwritten).toContain(results.at("c.json"));
      verdicts.remove("c.json");
      expect(verdicts.unwritten).toBeNull();
      expect(results.troubles).toEqual([]);
    },
  );

  test("what is written late stays for as long as its container lives as well", () => {
    using results = new Results();
    const disk = fullDisk();
    const verdicts = results.open(VERDICT_LIMITS, disk.files);
    verdicts.write(verdict("a.json", "c"), 0, () => true);
    disk.makeRoom();
    verdicts.sweep(10);
    verdicts.sweep(100_000);
    expect(results.names()).toEqual(["a.json"]);
  });

  test("a sweep does not try all of them in vain", () => {
    using results = new Results();
    let tries = 0;
    const openSync: Files["openSync"] = () => {
      tries += 1;
      throw systemError("ENOSPC", "no space left on device");
    };
    const verdicts = results.open(VERDICT_LIMITS, { ...fs, openSync });
    for (let at = 0; at < 10; at++) verdicts.write(verdict(`${at}.json`), 0);
    verdicts.sweep(0);
    expect(tries).toBe(11);
  });

  test("one verdict that cannot be written does not hold up the others", () => {
    using results = new Results();
    const renameSync: Files["renameSync"] = (from, to) => {
      if (String(to).endsWith("a.json") || full) throw systemError("EIO", "input/output error");
      fs.renameSync(from, to);
    };
    let full = true;
    const verdicts = results.open(VERDICT_LIMITS, { ...fs, renameSync });
    verdicts.write(verdict("a.json"), 0);
    verdicts.write(verdict("b.json"), 0);
    full = false;
    verdicts.sweep(0);
    expect(results.names()).toEqual(["b.json"]);
  });
});
