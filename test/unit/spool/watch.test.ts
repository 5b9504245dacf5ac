import { describe, expect, test } from "bun:test";
import fs from "node:fs";
import type { Trouble } from "../../../src/spool/files.ts";
import { SpoolWatcher } from "../../../src/spool/watch.ts";
import { Scratch, until } from "./scratch.ts";

/** A watched folder `run/spool` that counts its looks and what they found. */
class Watched extends Scratch {
  readonly spool = this.at("run", "spool");
  readonly found = new Set<string>();
  readonly troubles: Trouble[] = [];
  looks = 0;
  readonly #watcher: SpoolWatcher;

  constructor(interval = 60_000, make = true) {
    super();
    fs.mkdirSync(make ? this.spool : this.at("run"), { recursive: true });
    this.#watcher = new SpoolWatcher({
      path: this.spool,
      interval,
      onLook: () => {
        this.looks += 1;
        if (fs.existsSync(this.spool)) for (const name of fs.readdirSync(this.spool)) this.found.add(name);
      },
      onTrouble: (trouble) => this.troubles.push(trouble),
    });
  }

  drop(name: string, folder = this.spool): void {
    fs.writeFileSync(`${folder}/.${name}`, "{}");
    fs.renameSync(`${folder}/.${name}`, `${folder}/${name}`);
  }

  async finds(name: string): Promise<void> {
    await until(() => this.found.has(name));
  }

  override [Symbol.dispose](): void {
    this.#watcher[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}

describe("SpoolWatcher", () => {
  test("looks at once, for what was there before", async () => {
    using watched = new Watched();
    watched.drop("a.json");
    await watched.finds("a.json");
  });

  test("looks after a file was renamed in, and at nothing else that happens in the folder", async () => {
    using watched = new Watched();
    await until(() => watched.looks === 1);
    fs.writeFileSync(`${watched.spool}/.hidden`, "");
    fs.writeFileSync(`${watched.spool}/a.tmp`, "");
    fs.mkdirSync(`${watched.spool}/claimed`);
    await Bun.sleep(100);
    expect(watched.looks).toBe(1);
    watched.drop("a.json");
    await watched.finds("a.json");
  });

  test("a burst is few looks", async () => {
    using watched = new Watched();
    await until(() => watched.looks === 1);
    for (let at = 0; at < 2000; at++) watched.drop(`${at}.json`);
    await watched.finds("1999.json");
    await Bun.sleep(100);
    expect(watched.looks).toBeLessThan(100);
    expect([...watched.found].filter((name) => name.endsWith(".json"))).toHaveLength(2000);
  });

  test("idle, it looks every interval and no more", async () => {
    using watched = new Watched(100);
    await Bun.sleep(550);
    expect(watched.looks).toBeGreaterThanOrEqual(4);
    expect(watched.looks).toBeLessThanOrEqual(7);
  });

  test("after its end it looks no more", async () => {
    const watched = new Watched(10);
    await until(() => watched.looks > 0);
    const { looks } = watched;
    watched[Symbol.dispose]();
    await Bun.sleep(100);
    expect(watched.looks).toBe(looks);
  });
});

describe("a folder that is replaced is watched in its new place, without waiting for the interval", () => {
  test("moved away and made anew", async () => {
    using watched = new Watched();
    await until(() => watched.looks > 0);
    for (const round of ["1", "2", "3"]) {
      fs.renameSync(watched.spool, `${watched.spool}.${round}`);
      fs.mkdirSync(watched.spool);
      await Bun.sleep(50);
      watched.drop(`${round}.json`);
      await watched.finds(`${round}.json`);
    }
  });

  test("removed and made anew", async () => {
    using watched = new Watched();
    await until(() => watched.looks > 0);
    for (const round of ["1", "2", "3"]) {
      fs.rmSync(watched.spool, { recursive: true });
      if (round === "2") await Bun.sleep(50);
      fs.mkdirSync(watched.spool);
      await Bun.sleep(50);
      watched.drop(`${round}.json`);
      await watched.finds(`${round}.json`);
    }
  });

  test("another folder, with files in it, renamed to its place", async () => {
    using watched = new Watched();
    await until(() => watched.looks > 0);
    fs.mkdirSync(watched.at("run", "new"));
    watched.drop("a.json", watched.at("run", "new"));
    fs.renameSync(watched.spool, watched.at("run", "old"));
    fs.renameSync(watched.at("run", "new"), watched.spool);
    await watched.finds("a.json");
    watched.drop("b.json");
    await watched.finds("b.json");
  });

  test("made only later", async () => {
    using watched = new Watched(60_000, false);
    await until(() => watched.looks > 0);
    fs.mkdirSync(watched.spool);
    await Bun.sleep(50);
    watched.drop("a.json");
    await watched.finds("a.json");
    expect(watched.troubles).toEqual([]);
  });

  test("its parent replaced", async () => {
    using watched = new Watched();
    await until(() => watched.looks > 0);
    fs.renameSync(watched.at("run"), watched.at("old"));
    fs.mkdirSync(watched.spool, { recursive: true });
    watched.drop("a.json");
    await watched.finds("a.json");
    watched.drop("b.json");
    await watched.finds("b.json");
  });
});

test("a folder that is replaced unseen, from further up, is found by the interval and watched from then on", async () => {
  using scratch = new Scratch();
  const path = scratch.at("a", "run", "spool");
  fs.mkdirSync(path, { recursive: true });
  const looks: string[][] = [];
  using _ = new SpoolWatcher({
    path,
    interval: 400,
    onLook: () => looks.push(fs.readdirSync(path)),
    onTrouble: ({ message }) => expect(message).toBe("no trouble"),
  });
  await until(() => looks.length === 1);
  fs.renameSync(scratch.at("a"), scratch.at("b"));
  fs.mkdirSync(path, { recursive: true });
  await until(() => looks.length === 2);
  fs.writeFileSync(`${path}/a.json`, "");
  const dropped = performance.now();
  await until(() => looks.at(-1)?.includes("a.json") === true);
  expect(performance.now() - dropped).toBeLessThan(300);
});
