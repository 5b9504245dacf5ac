import { Database } from "bun:sqlite";
import { expect } from "bun:test";
import { readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";

// A journal that is damaged, of another boot or of a newer version is named in the log and kept, and never
// guessed from. What netdevd put on record twice it knows all the same.

const MAPPINGS = [
  mappingFor("c1", 'match = { name = "d0" }\nname = "eth1"'),
  mappingFor("c2", 'match = { name = "d1" }\nname = "eth1"'),
].join("\n");

/** Two devices inside two containers, and a daemon that was killed. */
async function killed() {
  const lab = await Lab.create();
  const devices = ["d0", "d1"].flatMap((name) => [...makeDevice("veth", name), ...furnish(name)]);
  await lab.host.ip(...devices);
  const before = await lab.host.devices();
  await lab.start(MAPPINGS);
  const first = await lab.container();
  const second = await lab.container();
  expect((await lab.attach("c1", first)).outcome).toBe("attached");
  expect((await lab.attach("c2", second)).outcome).toBe("attached");
  const inside = await first.netns.device("eth1");
  const { containers } = await lab.daemon.status();
  await lab.daemon.end("SIGKILL");
  return { lab, first, second, before, inside, containers, file: join(lab.state, "journal.db") };
}

function sql(file: string, statement: string): void {
  using database = new Database(file);
  database.run(statement);
}

const DAMAGES: readonly [string, (file: string) => void][] = [
  ["garbage", (file) => writeFileSync(file, "garbage ".repeat(999))],
  ["cut off", (file) => truncateSync(file, 5000)],
  ["empty", (file) => truncateSync(file, 0)],
  ["deleted", (file) => rmSync(file)],
  ["damaged in one row", (file) => sql(file, "UPDATE device SET body = '[1]' WHERE attachment = 1")],
];

for (const [what, damage] of DAMAGES) {
  test(`the journal ${what}, all containers alive: it is told, and everything is adopted as it was`, async () => {
    const { lab, first, before, inside, containers, file } = await killed();
    await using _ = lab;
    damage(file);
    const daemon = await lab.start();
    expect(daemon.log()).toContain("the journal was not as it should be");
    const aside = readdirSync(lab.state).filter((name) => /set-aside-\d$/.test(name));
    expect(aside).toHaveLength(what === "deleted" ? 0 : 1);
    expect((await daemon.status()).containers).toEqual(containers);
    expect(await first.netns.device("eth1")).toEqual(inside);
    await first.kill();
    expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0 });
    expect(await lab.host.devices()).toEqual(before);
  });

  test(`the journal ${what}, a container dead: \`release --all\` without a daemon brings both devices home`, async () => {
    const { lab, first, before, file } = await killed();
    await using _ = lab;
    damage(file);
    await first.kill();
    expect(await lab.netdevd("release", "--all")).toMatchObject({ code: 0 });
    expect(await lab.host.devices()).toEqual(before);
    expect(readdirSync(join(lab.state, "pins"))).toEqual([]);
  });
}

const FOREIGN: readonly [string, RegExp, string][] = [
  ["of another boot", /another boot/, "UPDATE owner SET boot_id = 'another'"],
  ["of a newer version", /version 99/, "UPDATE owner SET schema_version = 99"],
];

for (const [what, told, statement] of FOREIGN) {
  test(`a journal ${what}: nothing is touched, its pins stay, and the log says how to get devices home`, async () => {
    const { lab, first, second, inside, file } = await killed();
    await using _ = lab;
    sql(file, statement);
    await first.kill();
    const host = await lab.host.devices();
    // The second start as well: what is not known does not become known by it.
    for (const _start of [1, 2]) {
      const daemon = await lab.start();
      expect((await daemon.status()).containers).toEqual([]);
      expect(await lab.host.devices()).toEqual(host);
      expect(readdirSync(join(lab.state, "pins"))).toHaveLength(2);
      await daemon.end();
    }
    const { stderr, code } = await lab.netdevd("release", "--all");
    expect(code).toBe(1);
    const [, command] = /`(nsenter [^`]*)` brings a device home/.exec(stderr) ?? [];
    expect(stderr).toContain("eth1");
    expect((await lab.onHost("cat", join(lab.folder, "daemon-2.log"))).stdout).toMatch(told);
    for (const cookie of readdirSync(join(lab.state, "pins"))) {
      const pin = join(lab.state, "pins", cookie);
      const inPin = await lab.onHost(
        "nsenter",
        `--net=${pin}`,
        "ip",
        "-oneline",
        "link",
        "show",
        "dev",
        "eth1",
      );
      expect(inPin).toMatchObject({ code: 0 });
    }
    // As the log has it, but for `netns 1`: the host of this test is not that of pid 1.
    const words = `${command}`
      .replace("DEVICE", "eth1")
      .replace("NAME", "d0")
      .replace("netns 1", `netns ${lab.hostPid}`)
      .split(" ");
    expect((await lab.onHost(...words)).code).toBe(0);
    const one = (await lab.host.devices()).d0 ?? (await lab.host.devices()).d1;
    expect(one?.mtu).toBe(inside.mtu);
    for (const cookie of readdirSync(join(lab.state, "pins"))) {
      await lab.onHost("umount", join(lab.state, "pins", cookie));
    }
    await second.kill();
  });
}

test("the state folder is full: what is inside comes home, new events are refused, and nothing crashes", async () => {
  await using lab = await Lab.create();
  await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"), ...makeDevice("veth", "d1"));
  const before = await lab.host.devices();
  await lab.onHost("mount", "-t", "tmpfs", "-o", "size=200k,mode=0700", "tmpfs", lab.state);
  await lab.start(MAPPINGS);
  const first = await lab.container();
  expect((await lab.attach("c1", first)).outcome).toBe("attached");
  await lab.onHost("sh", "-c", `cat /dev/zero >${lab.state}/filler 2>/dev/null`);
  const second = await lab.container();
  expect(await lab.attach("c2", second)).toMatchObject({
    outcome: "refused",
    error: { code: "journal-unwritable" },
  });
  expect((await lab.daemon.get("/readyz")).status).toBe(503);
  // Killed and started on the full disk, its container dead by then.
  await lab.daemon.end("SIGKILL");
  await first.kill();
  const daemon = await lab.start(undefined, { ready: false });
  await daemon.empty();
  expect(await lab.host.devices()).toEqual(before);
  await lab.onHost("rm", join(lab.state, "filler"));
  expect((await lab.attach("c2", second)).outcome).toBe("attached");
  expect((await daemon.get("/readyz")).status).toBe(200);
  await second.kill();
  await daemon.empty();
});
