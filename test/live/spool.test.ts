import { expect } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { D0_AS_ETH1 } from "../helpers/mapping.ts";
import { until } from "../helpers/until.ts";

const noMapping = (number: number) => ({ id: `other-${number}`, status: "stopped" });

test("a burst of 2,000 events is answered, each one", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  const names = Array.from({ length: 2_000 }, (_, at) =>
    lab.drop({ id: `other-${at}`, status: "running", pid: container.pid }),
  );
  await until(
    "2,000 verdicts",
    () => readdirSync(lab.results).filter((name) => name.endsWith(".json")).length === 2_000,
    {
      within: 20_000,
      detail: () => `${readdirSync(lab.results).length} so far`,
    },
  );
  for (const [at, name] of names.entries()) {
    expect(lab.verdictNow(name)).toMatchObject({ event: name, id: `other-${at}`, outcome: "no-mapping" });
  }
  expect(readdirSync(lab.spoolFolder).filter((name) => name.endsWith(".json"))).toEqual([]);
});

test("an event in the middle of a burst gets its device", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  for (let at = 0; at < 300; at++) lab.drop(noMapping(at));
  const event = lab.drop({ id: "c1", status: "running", pid: container.pid });
  for (let at = 300; at < 600; at++) lab.drop(noMapping(at));
  expect(await lab.verdict(event)).toMatchObject({ outcome: "attached" });
});

test("what waited before the start is answered in the order of its change, not of its names", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  const container = await lab.container();
  lab.configure(D0_AS_ETH1);
  const first = lab.drop({ id: "c1", status: "running", pid: container.pid }, { name: "b.json" });
  await Bun.sleep(20);
  const second = lab.drop({ id: "c1", status: "stopped" }, { name: "a.json" });
  await lab.start();
  expect((await lab.verdict(first)).outcome).toBe("attached");
  expect((await lab.verdict(second)).outcome).toBe("returned");
  expect(await lab.host.names()).toEqual(["d0"]);
});

test("names that begin with a dot, end in .tmp or are not *.json are left alone", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const ignored = [".hidden.json", "event.json.tmp", "event.txt", "event", "event.JSON"];
  for (const name of ignored) writeFileSync(join(lab.spoolFolder, name), "not even JSON");
  await lab.event(noMapping(1));
  await lab.event(noMapping(2));
  expect(readdirSync(lab.spoolFolder)).toEqual(expect.arrayContaining(ignored));
  for (const name of ignored) expect(existsSync(join(lab.results, name))).toBe(false);
});

test("a stale verdict of the same name is removed before its event is taken", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const name = "again.json";
  expect(await lab.event(noMapping(1), { name })).toMatchObject({ id: "other-1" });
  lab.daemon.signal("SIGSTOP");
  lab.drop(noMapping(2), { name });
  lab.daemon.signal("SIGCONT");
  await until("the second verdict", () => lab.verdictNow(name)?.id === "other-2");
});

test("an unusual but good file name is answered under that very name", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  for (const name of [
    "a b.json",
    "ä-ß.json",
    "-rf.json",

    "x'\"$(id).json",
    `${"n".repeat(200)}.json`,
  ]) {
    expect(await lab.event(noMapping(1), { name })).toMatchObject({ event: name });
  }
});

test("a spool folder that is replaced while the daemon runs is watched on", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  expect((await lab.event(noMapping(1))).outcome).toBe("unchanged");
  for (let round = 2; round < 4; round++) {
    renameSync(lab.spoolFolder, `${lab.spoolFolder}-${round}`);
    // The daemon may have made it anew already.
    mkdirSync(lab.spoolFolder, { mode: 0o700, recursive: true });
    expect((await lab.event(noMapping(round))).outcome).toBe("unchanged");
  }
});

test("a spool folder that anybody may write to is not read from until it is closed again", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  await lab.start(D0_AS_ETH1);
  const container = await lab.container();
  chmodSync(lab.spoolFolder, 0o777);
  const event = lab.drop({ id: "c1", status: "running", pid: container.pid });
  await until("the open folder to be told", async () => (await lab.daemon.get("/readyz")).status === 503);
  expect(lab.verdictNow(event)).toBeNull();
  expect(await lab.host.names()).toContain("d0");

  chmodSync(lab.spoolFolder, 0o700);
  expect(await lab.verdict(event)).toMatchObject({ outcome: "attached" });
  await until("the daemon to be ready again", async () => (await lab.daemon.get("/readyz")).status === 200);
});

test("verdicts are there for everybody to read", async () => {
  await using lab = await Lab.create();
  await lab.start(D0_AS_ETH1);
  const event = lab.drop(noMapping(1));
  await lab.verdict(event);
  expect(statSync(join(lab.results, event)).mode & 0o444).toBe(0o444);
});

test("the results folder is full: that is told, and the verdict is there soon after there is room", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("ifb", "d0"));
  await lab.onHost("mount", "-t", "tmpfs", "-o", "size=100k,mode=0755", "tmpfs", lab.results);
  await lab.start(D0_AS_ETH1);
  await lab.onHost("sh", "-c", `cat /dev/zero >${lab.results}/filler 2>/dev/null`);
  const container = await lab.container();
  const event = lab.drop({ id: "c1", status: "running", pid: container.pid });
  const unready = async () => {
    const answer = await lab.daemon.get("/readyz");
    return answer.status === 503 && (await answer.text());
  };
  expect(await until("the daemon to tell", unready)).toContain("ENOSPC");
  await lab.onHost("rm", join(lab.results, "filler"));
  // What is mounted there is seen on the lab's host alone.
  const written = async () => {
    const { code, stdout } = await lab.onHost("cat", join(lab.results, event));
    return code === 0 && stdout;
  };
  expect(await until("the verdict", written, { within: 4000 })).toContain('"outcome":"attached"');
  expect((await lab.daemon.get("/readyz")).status).toBe(200);
  await container.kill();
  await lab.daemon.empty();
});
