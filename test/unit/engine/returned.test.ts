import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JournalOwner } from "../../../src/engine/journal.ts";
import { parseReturned, type Returned, returnedIn } from "../../../src/engine/returned.ts";
import { home } from "./come-home.ts";

const owner: JournalOwner = { bootId: "boot-1", homeCookie: "3" };
let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "netdevd-returned-"));
  folder = join(parent, "returned");
});
afterEach(() => rmSync(parent, { recursive: true }));

/** One as an engine makes it. */
async function aReturned(): Promise<Returned> {
  const { machine, daemon } = await home();
  using _ = daemon;
  const [row] = machine.returned.values();
  return parseReturned(JSON.parse(row ?? ""));
}

test("who came home is found by the next daemon with all that is known of it, until it is taken away", async () => {
  const one = await aReturned();
  const { ifindex } = one.device.snapshot.device;
  expect(returnedIn(folder, owner).read()).toEqual([]);
  returnedIn(folder, owner).put(ifindex, one);
  expect(returnedIn(folder, owner).read()).toEqual([one]);
  returnedIn(folder, owner).keepOnly([ifindex]);
  expect(returnedIn(folder, owner).read()).toEqual([one]);
  returnedIn(folder, owner).delete(ifindex);
  expect(readdirSync(folder)).toEqual([]);
  returnedIn(folder, owner).delete(ifindex);
});

test("those of another boot or another home are nobody's, and are taken away", async () => {
  const one = await aReturned();
  const { ifindex } = one.device.snapshot.device;
  returnedIn(folder, owner).put(ifindex, one);
  expect(returnedIn(folder, { ...owner, bootId: "boot-2" }).read()).toEqual([]);
  expect(returnedIn(folder, { ...owner, homeCookie: "4" }).read()).toEqual([]);
  returnedIn(folder, owner).keepOnly([]);
  expect(readdirSync(folder)).toEqual([]);
});

test("what is cut off, or not what is written there, is as if it were not there", async () => {
  const one = await aReturned();
  const { ifindex } = one.device.snapshot.device;
  const returned = returnedIn(folder, owner);
  returned.put(ifindex, one);
  const path = join(folder, `${ifindex}.json`);
  const whole = readFileSync(path, "utf8");
  writeFileSync(join(folder, "77.json"), whole);
  expect(returned.read()).toEqual([one]);
  for (const text of ["", whole.slice(0, -9), "{}", whole.replace('"looked"', '"locked"')]) {
    writeFileSync(path, text);
    expect(returned.read()).toEqual([]);
  }
});
