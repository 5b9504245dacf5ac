import { expect } from "bun:test";
import { furnish, type Kind, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { expectPicture, pictureOf } from "../helpers/picture.ts";
import { attachWithObstacle } from "./attach-with-obstacle.ts";

// "the device under the wanted name"; "`net%d`: the first free number". Names are of one space with altnames, on
// the host and inside, and what one device is to be called another one may be called still.

interface Trade {
  readonly title: string;
  readonly kinds: readonly Kind[];
  /** What d0, d1, … are to be called inside. */
  readonly names: readonly string[];
}

const trades: readonly Trade[] = [
  { title: "two swap their names", kinds: ["veth", "tap"], names: ["d1", "d0"] },
  {
    title: "two that nothing but their names tells apart swap them",
    kinds: ["tun", "tun"],
    names: ["d1", "d0"],
  },
  {
    title: "three pass their names on in a ring",
    kinds: ["macvlan", "ifb", "veth"],
    names: ["d1", "d2", "d0"],
  },
  {
    title: "one takes an altname of its own, and another one the name that it had",
    kinds: ["veth", "ifb"],
    names: ["d0-second", "d0"],
  },
];

/** A host with furnished devices d0, d1, … of these kinds. */
async function hostWith(kinds: readonly Kind[]): Promise<Lab> {
  const lab = await Lab.create();
  for (const [at, kind] of kinds.entries()) {
    await lab.host.ip(...makeDevice(kind, `d${at}`), ...furnish(`d${at}`));
  }
  return lab;
}

for (const { title, kinds, names } of trades) {
  const wishes = names.map((name, at) => `match = { name = "d${at}" }\nname = "${name}"`);

  test(`${title}: in, and home again`, async () => {
    await using lab = await hostWith(kinds);
    const before = await pictureOf(lab.host);
    await lab.start(mappingFor("c1", ...wishes));
    const container = await lab.container();
    expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
    const inside = await container.netns.devices();
    expect(names.map((name) => inside[name]?.alias)).toEqual(names.map((_, at) => `what d${at} is for`));
    const altnames = names.map((name) => inside[name]?.altnames ?? []);
    expect(altnames).toEqual(
      names.map((name, at) => [`d${at}-second`, `d${at}-with-a-long-name`].filter((own) => own !== name)),
    );
    await container.kill();
    await lab.daemon.empty();
    await expectPicture(lab.host, before);
  });

  test(`${title}: undone, when the last one cannot have what it is to have`, async () => {
    await using lab = await hostWith([...kinds, "ifb"]);
    const before = await pictureOf(lab.host);
    const refused = `match = { name = "d${kinds.length}" }\nmac = "02:00:00:00:00:04"`;
    await lab.start(mappingFor("c1", ...wishes, refused));
    const container = await lab.container();
    expect(await lab.attach("c1", container)).toMatchObject({
      outcome: "failed",
      devices: [],
      error: { code: "step-failed", device: `d${kinds.length}` },
    });
    await expectPicture(lab.host, before);
    expect(await container.netns.names()).toEqual(["witness"]);
  });
}

for (const [how, takers] of [
  ["its own name is free inside", ["net0", "net1"]],
  ["its own name is taken inside", ["d1", "net0", "net1"]],
] as const) {
  test(`a pattern goes on to the next number where its number is taken behind its back, and ${how}`, async () => {
    await using lab = await hostWith(["veth", "tap"]);
    const container = await lab.container();
    const verdict = await attachWithObstacle(lab, container, {
      devices: [
        { match: { name: "d0" }, name: "eth0" },
        { match: { name: "d1" }, name: "net%d" },
      ],
      before: "d1",
      inside: takers.map((name) => `link add ${name} type ifb`),
    });
    expect(verdict).toMatchObject({ outcome: "attached", warnings: [] });
    expect(verdict.devices.map(({ name }) => name)).toEqual(["eth0", "net2"]);
    expect(await container.netns.names()).toEqual(["eth0", "net2", "witness", ...takers].toSorted());
    expect((await container.netns.device("net2")).addresses[0]).toBe(
      "192.0.2.1/24 brd 192.0.2.255 label net2:web",
    );
  });

  test(`a name that is taken behind its back fails, and all is as it was, and ${how}`, async () => {
    await using lab = await hostWith(["veth", "tap"]);
    const container = await lab.container();
    const before = await pictureOf(lab.host);
    const verdict = await attachWithObstacle(lab, container, {
      devices: [
        { match: { name: "d0" }, name: "eth0" },
        { match: { name: "d1" }, name: "net1" },
      ],
      before: "d1",
      inside: takers.map((name) => `link add ${name} type ifb`),
    });
    expect(verdict).toMatchObject({ outcome: "failed", error: { code: "step-failed", device: "d1" } });
    expect(verdict.error?.message).toMatch(/^d1: move inside: name net1.*EEXIST/);
    await expectPicture(lab.host, before);
    expect(await container.netns.names()).toEqual(["witness", ...takers].toSorted());
  });
}
