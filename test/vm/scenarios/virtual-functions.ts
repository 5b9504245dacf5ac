import { expect } from "bun:test";
import { furnish } from "../../helpers/devices.ts";
import type { Lab } from "../../helpers/lab.ts";
import { mappingFor } from "../../helpers/mapping.ts";
import type { Process } from "../../helpers/process.ts";
import { until } from "../../helpers/until.ts";
import { furnishedNic, serve, stuck } from "../attached.ts";
import { type Card, freshFunctions, functionsThere, setFunctions } from "../functions.ts";
import { settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "match: … pf (a VF of it)": SR-IOV of a real driver pair, igb and igbvf, whose VFs have a MAC made up at each birth.

/** Gives both functions something to be brought home; what ip(8) tells of them. */
async function furnished(lab: Lab, { vfs: [one, two] }: Card) {
  await lab.host.ip(
    ...furnish(one),
    `link set ${two} mtu 1300 alias "the second"`,
    `link set ${two} up`,
    `addr add 198.51.100.77/24 dev ${two}`,
  );
  return await both(lab, [one, two]);
}

/** igbvf notes another permanent MAC at each reset of the card: ip(8) tells it or not. */
async function both(lab: Lab, vfs: Card["vfs"]) {
  const look = async (vf: string) => {
    const { rest, ...device } = await lab.host.device(vf);
    const { permaddr: _, ...others } = rest;
    return { ...device, rest: others };
  };
  return [await look(vfs[0]), await look(vfs[1])] as const;
}

/** Whatever its number is: a function that was made anew has another one. */
const numberless = <T extends { ifindex: number }>(device: T) => ({ ...device, ifindex: 0 });

const ENDS = {
  alive: async (_: Lab, end: () => Promise<void>) => await end(),
  "killed meanwhile, and nobody holds the namespace": async (lab: Lab, end: () => Promise<void>) => {
    await lab.daemon.end("SIGKILL");
    await lab.unpin();
    await end();
    await settle();
    await lab.start();
  },
} as const;

const picked = scenario("igbvf: two of a card, picked by its PF's name, and no third", async (lab) => {
  const card = await freshFunctions(lab);
  const before = await furnished(lab, card);
  await serve(lab, mappingFor("c*", `match = { pf = "${card.pf.name}" }\ncount = 2\nname = "net%d"`));
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({
    outcome: "attached",
    warnings: [],
    devices: [
      { host_name: card.vfs[0], name: "net0" },
      { host_name: card.vfs[1], name: "net1" },
    ],
  });
  expect(await container.netns.device("net0")).toMatchObject({ up: true, mac: before[0].mac, mtu: 1400 });
  expect(await lab.attach("c2", await lab.container())).toMatchObject({ outcome: "refused" });
  await container.kill();
  await lab.daemon.empty();
  await settle();
  expect(await both(lab, card.vfs)).toEqual(before);
});

const home = Object.entries(ENDS).map(([daemon, act]) =>
  scenario(`igbvf: renamed and given a MAC inside, killed, the daemon ${daemon}`, async (lab) => {
    const card = await freshFunctions(lab);
    const before = await furnished(lab, card);
    const container = await attachBoth(lab, card);
    await container.netns.ip(
      "link set net0 down",
      "link set net0 name mine address 02:00:00:00:00:77 mtu 1280",
      "link set mine up",
      "link set net1 down",
      "link set net1 name net0 address 02:00:00:00:00:78",
    );
    await act(lab, () => container.kill());
    await lab.daemon.empty();
    await settle();
    expect(await both(lab, card.vfs)).toEqual(before);
  }),
);

/** By the PF's PCI address. */
async function attachBoth(lab: Lab, { pf }: Card): Promise<Process> {
  await serve(lab, mappingFor("c*", `match = { pf = "${pf.pci}" }\ncount = 2\nname = "net%d"`));
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [], error: null });
  return container;
}

/** Two functions and a card of another driver in one container; the functions vanish, the card is to come home. */
async function vanishing(lab: Lab, act: (end: () => Promise<void>) => Promise<void>): Promise<void> {
  const card = await freshFunctions(lab);
  const functions = await furnished(lab, card);
  const { nic, before } = await furnishedNic(lab, "e1000e");
  const one = `match = { name = "${nic.name}" }\nname = "eth1"`;
  await serve(lab, mappingFor("c*", `match = { pf = "${card.pf.name}" }\ncount = 2\nname = "net%d"`, one));
  const container = await lab.container();
  expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [], error: null });
  await act(async () => {
    await setFunctions(card.pf, 0);
    expect(await container.netns.names()).not.toContain("net0");
    await container.kill();
  });
  const told = await stuck(lab);
  expect(told).toContain(card.vfs[0]);
  expect(told).toContain("unplugged");
  await until(`${nic.name} to be home`, async () => (await lab.host.names()).includes(nic.name));
  await settle();
  expect(await lab.host.device(nic.name)).toEqual(before);

  await setFunctions(card.pf, 2);
  await functionsThere(lab, card);
  await lab.daemon.empty();
  await settle();
  expect((await both(lab, card.vfs)).map(numberless)).toEqual(functions.map(numberless));
  expect((await lab.daemon.get("/readyz")).status).toBe(200);
  const next = await lab.container();
  expect(await lab.attach("c2", next)).toMatchObject({ outcome: "attached", warnings: [], error: null });
  expect(await next.netns.names()).toEqual(expect.arrayContaining(["net0", "net1", "eth1"]));
}

const vanished = [
  scenario("igbvf: sriov_numvfs=0 while inside: told, the other devices home, and all again after", (lab) =>
    vanishing(lab, (end) => end()),
  ),
  scenario("igbvf: sriov_numvfs=0 while inside and the daemon killed: the same", (lab) =>
    vanishing(lab, async (end) => {
      await lab.daemon.end("SIGKILL");
      await end();
      await lab.start(undefined, { ready: false });
    }),
  ),
  scenario("igbvf: sriov_numvfs=0 while its container lives: told in the status; back: home", async (lab) => {
    const card = await freshFunctions(lab);
    const before = await furnished(lab, card);
    await attachBoth(lab, card);
    const warnings = async () => JSON.stringify((await lab.daemon.status()).containers[0]?.warnings) ?? "";
    await setFunctions(card.pf, 0);
    for (const vf of card.vfs) {
      await until(`${vf} to be told as missing`, async () =>
        (await warnings()).includes(`${vf} is neither in the container's namespace any more nor on the host`),
      );
    }
    await setFunctions(card.pf, 2);
    for (const vf of card.vfs) {
      await until(`${vf} to be home`, async () =>
        (await warnings()).includes(`${vf} has left its container`),
      );
    }
    await settle();
    expect((await both(lab, card.vfs)).map(numberless)).toEqual(before.map(numberless));
  }),
];

/** The PF is a device as any other: its functions are built on the card and not on it, and stay. */
const physical = scenario(
  "igb: the PF itself, and its functions stay: those are picked by it while it is away",
  async (lab) => {
    const card = await freshFunctions(lab);
    const { pf, vfs } = card;
    // A device that is down has another qdisc when it has been away.
    await lab.host.ip(...furnish(pf.name), ...vfs.map((vf) => `link set ${vf} up`));
    const functions = await both(lab, vfs);
    const before = await lab.host.device(pf.name);
    const device = `match = { name = "${pf.name}" }\nname = "eth1"`;
    await serve(
      lab,
      mappingFor("c1", device) + mappingFor("c2", `match = { pf = "${pf.name}" }\nname = "net0"`),
    );
    const one = await lab.container();
    const { stdout } = await lab.plan({ id: "c1", status: "creating", pid: one.pid });
    for (const vf of vfs) expect(stdout).toContain(`meanwhile ${vf}, which is a virtual function of it`);
    expect(await lab.attach("c1", one)).toMatchObject({ outcome: "attached", warnings: [], error: null });
    expect((await both(lab, vfs)).map(({ name }) => name)).toEqual([...vfs]);
    const two = await lab.container();
    expect(await lab.attach("c2", two)).toMatchObject({
      outcome: "attached",
      devices: [{ host_name: vfs[0] }],
    });
    await one.kill();
    await two.kill();
    await lab.daemon.empty();
    await settle();
    expect(await both(lab, vfs)).toEqual(functions);
    const { rest, ...after } = await lab.host.device(pf.name);
    expect<unknown>({ ...after, rest: { ...rest, vfinfo_list: before.rest.vfinfo_list } }).toEqual(before);
  },
);

const guarded = scenario(
  "igb: the PF that carries the default route: refused, by force it goes",
  async (lab) => {
    const { pf } = await freshFunctions(lab);
    await lab.host.ip(
      `addr add 203.0.113.9/24 dev ${pf.name}`,
      `route add default via 203.0.113.254 dev ${pf.name}`,
    );
    const device = `match = { name = "${pf.name}" }\nname = "eth1"`;
    await serve(lab, mappingFor("c1", device) + mappingFor("c2", `${device}\nforce = true`));
    expect(await lab.attach("c1", await lab.container())).toMatchObject({
      outcome: "refused",
      error: { code: "device-guarded", device: pf.name },
    });
    const two = await lab.container();
    expect(await lab.attach("c2", two)).toMatchObject({ outcome: "attached" });
    await two.kill();
    await lab.daemon.empty();
    expect(await lab.host.run("ip", "route", "show", "default")).toContain(
      `via 203.0.113.254 dev ${pf.name}`,
    );
  },
);

export const VIRTUAL_FUNCTIONS: readonly Scenario[] = [picked, ...home, ...vanished, physical, guarded];
