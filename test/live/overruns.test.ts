import { expect } from "bun:test";
import { attachedContainer, furnished } from "../helpers/furnished.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";

// What is told of the host's devices is told once, and a socket's buffer is finite: more than fits while the daemon
// does not get round to reading is lost for good. Nothing may depend on it.

/** How many notifications a subscriber to RTNLGRP_LINK on the host has lost; see netlink(7), /proc/net/netlink. */
async function lostOnes(lab: Lab): Promise<number> {
  const rows = (await lab.host.run("cat", "/proc/net/netlink")).trim().split("\n").slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , , groups]) => Number.parseInt(groups ?? "", 16) === 1)
    .reduce((sum, row) => sum + Number(row[8]), 0);
}

/** Changes devices so often that no buffer holds the news. */
async function flood(lab: Lab): Promise<void> {
  const names = Array.from({ length: 100 }, (_, at) => `x${at}`);
  await lab.host.ip(...names.map((name) => `link add ${name} type ifb`));
  for (let round = 0; (await lostOnes(lab)) === 0; round++) {
    if (round === 40) throw new Error("the buffer does not overrun");
    const lengths = Array.from({ length: 10 }, (_, at) => 100 + round * 10 + at);
    await lab.host.ip(
      ...lengths.flatMap((length) => names.map((name) => `link set ${name} txqueuelen ${length}`)),
    );
  }
}

test("an overrun while a daemon stands still: what came, left and was renamed meanwhile is known all the same", async () => {
  await using lab = await Lab.create();
  const before = await furnished(lab.host, "veth");
  await lab.host.ip("link add gone type ifb", "link add old type ifb");
  const daemon = await lab.start(mappingFor("c1", 'match = { name = "d0" }\nname = "eth0"'));
  const container = await attachedContainer(lab, "c1");
  process.kill(daemon.pid, "SIGSTOP");
  try {
    await flood(lab);
    await lab.host.ip("link del gone", "link set old name new", "link add late type ifb");
    await container.kill();
  } finally {
    process.kill(daemon.pid, "SIGCONT");
  }
  await daemon.empty();
  const { d0 } = await lab.host.devices();
  expect(d0).toEqual(before.d0);
  const known: readonly { name: string }[] = JSON.parse(await (await daemon.get("/v1/devices")).text());
  const names = known.map(({ name }) => name).filter((name) => !/^x\d+$/.test(name));
  expect(names.toSorted()).toEqual(["d0", "d0-far", "late", "lo", "new"]);
});
