import { expect } from "bun:test";
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../helpers/command.ts";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";

// "A file that is no valid event is `refused`, told what is wrong and where, and kept in `spool/refused/`."

const MIB = 1024 * 1024;
const valid = { id: "c1", status: "running", pid: 4711 };

/** Files by what is wrong with them, and a word that the refusal has to say. */
const contents: Record<string, [content: unknown, says: RegExp]> = {
  empty: ["", /line 1\b/],
  "broken-json": ['{"id": "c1",\n "status": ', /line 2\b/],
  "text-behind": ['{"id":"c1","status":"stopped"} {}', /line 1\b.*32/],
  "not-utf8": [new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), /UTF-8/],
  array: ["[]", /object/i],
  string: ['"c1"', /object/i],
  null: ["null", /object/i],
  "no-id": [{ status: "running", pid: 4711 }, /id/],
  "id-number": [{ ...valid, id: 7 }, /id/],
  "id-empty": [{ ...valid, id: "" }, /id/],
  "no-status": [{ id: "c1", pid: 4711 }, /status/],
  "status-unknown": [{ ...valid, status: "paused" }, /status/],
  "status-list": [{ ...valid, status: ["running"] }, /status/],
  "no-target": [{ id: "c1", status: "running" }, /pid|netns/],
  "pid-string": [{ ...valid, pid: "4711" }, /pid/],
  "pid-negative": [{ ...valid, pid: -1 }, /pid/],
  "pid-fraction": [{ ...valid, pid: 47.11 }, /pid/],
  "pid-huge": ['{"id":"c1","status":"running","pid":1e300}', /pid/],
  "netns-number": [{ id: "c1", status: "running", netns: 3 }, /netns/],
  "netns-relative": [{ id: "c1", status: "running", netns: "ns/net" }, /netns/],
  "bundle-number": [{ ...valid, bundle: 1 }, /bundle/],
  "annotations-list": [{ ...valid, annotations: ["a"] }, /annotations/],
  "annotation-number": [{ ...valid, annotations: { a: 1 } }, /annotations/],
  "too-large": [JSON.stringify({ ...valid, rest: "x".repeat(MIB) }), /MiB|bytes|large/i],
};

test("files that are no valid event are each refused, told why and kept, and a good one among them works", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  await lab.start(D0_AS_ETH1);
  const names = Object.entries(contents).map(([name, [content]]) =>
    lab.drop(content, { name: `${name}.json` }),
  );
  const container = await lab.container();
  expect((await lab.attach("c1", container)).outcome).toBe("attached");

  for (const [name, [, says]] of Object.entries(contents)) {
    const verdict = await lab.verdict(`${name}.json`);
    expect(verdict, name).toMatchObject({
      event: `${name}.json`,
      outcome: "refused",
      mapping: null,
      devices: [],
      error: { code: "invalid-event", device: null },
    });
    expect(verdict.error?.message, name).toMatch(says);
  }
  expect(readdirSync(join(lab.spoolFolder, "refused"))).toEqual(expect.arrayContaining(names));
  expect(leftIn(lab.spoolFolder)).toEqual([]);
  expect((await lab.daemon.status()).state).toBe("ready");
});

test("what is no regular file is refused without being followed, opened for good or waited for", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  const outside = join(lab.folder, "outside.json");
  writeFileSync(outside, JSON.stringify({ id: "c1", status: "running", pid: container.pid }));
  symlinkSync(outside, join(lab.spoolFolder, "symlink.json"));
  symlinkSync("/nowhere", join(lab.spoolFolder, "dangling.json"));
  await mustRun(["mkfifo", join(lab.spoolFolder, "fifo.json")]);
  mkdirSync(join(lab.folder, "folder"));
  writeFileSync(join(lab.folder, "folder", "inner.json"), "{}");
  renameSync(join(lab.folder, "folder"), join(lab.spoolFolder, "folder.json"));

  for (const name of ["symlink.json", "dangling.json", "fifo.json", "folder.json"]) {
    const verdict = await lab.verdict(name);
    expect(verdict, name).toMatchObject({
      event: name,
      outcome: "refused",
      error: { code: "invalid-event" },
    });
  }
  expect(await container.netns.names()).toEqual(["witness"]);
  expect(leftIn(lab.spoolFolder)).toEqual([]);
  expect((await lab.attach("c1", container)).outcome).toBe("attached");
});

test("members that nobody knows are ignored, also where their names are those of every object", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  const event = `{"__proto__":{"a":1},"constructor":[],"x-y":{"deep":[[[]]]},"id":"c1","status":"running","pid":${container.pid}}`;
  expect((await lab.event(event)).outcome).toBe("attached");
});

test("an id may be any text: it is no path, no markup and no log line of its own", async () => {
  await using lab = await Lab.create();
  const id = '../../x\n{"level":"forged"}\u001b[31m <b>ä';
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  const verdict = await lab.event({ id, status: "running", pid: container.pid });
  expect(verdict.outcome).toBeOneOf(["no-mapping", "refused"]);
  expect(lab.daemon.log()).not.toContain('\n{"level":"forged"}');
  expect(lab.daemon.log()).not.toContain("\u001b");
});

/** Events in the spool that nobody has claimed. */
function leftIn(spool: string): string[] {
  return readdirSync(spool).filter((name) => name.endsWith(".json") && !name.startsWith("."));
}
