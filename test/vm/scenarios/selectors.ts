import { expect } from "bun:test";
import type { Lab } from "../../helpers/lab.ts";
import { mappingFor, mappingWith } from "../../helpers/mapping.ts";
import { until } from "../../helpers/until.ts";
import { lookedAfter, serve } from "../attached.ts";
import { DRIVERS, freshNic, type Nic, rescan, settle, unplug } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "match: any of name, altname, mac, permanent_mac, pci, driver, kind, pf"; "wait: how long the gate waits for a
// device that is not there yet." Of hardware, on a host with udev.

export const SELECTORS: readonly Scenario[] = [
  ...DRIVERS.flatMap((driver) => [
    scenario(`${driver}: picked by its PCI address`, async (lab) => {
      const nic = await freshNic(lab, driver, 1);
      // As a person would write it.
      const pci = nic.pci.replace("0000:", "").toUpperCase();
      await serve(lab, mappingFor("c*", `match = { pci = "${pci}" }\nname = "eth1"`));
      const verdict = await lab.attach("c1", await lab.container());
      expect(verdict.devices).toMatchObject([{ host_name: nic.name, name: "eth1" }]);
      // It is known by it while it is away.
      expect(await lab.attach("c2", await lab.container())).toMatchObject({
        outcome: "refused",
        error: { code: "device-held", device: nic.name },
      });
    }),
    scenario(`${driver}: all that it drives, picked by driver`, async (lab) => {
      const nics = [await freshNic(lab, driver, 0), await freshNic(lab, driver, 1)];
      await serve(lab, mappingFor("c*", `match = { driver = "${driver}" }\ncount = "all"\nname = "net%d"`));
      const verdict = await lab.attach("c1", await lab.container());
      expect(verdict.devices.map(({ host_name }) => host_name)).toEqual(nics.map(({ name }) => name));
      expect(await lab.attach("c2", await lab.container())).toMatchObject({
        outcome: "refused",
        error: { code: "too-few-devices" },
      });
    }),
    scenario(`${driver}: picked by its permanent MAC though it has another one now`, async (lab) => {
      const nic = await freshNic(lab, driver);
      await lookedAfter(lab);
      await lab.host.ip(`link set ${nic.name} address 02:00:00:00:00:55`);
      await serve(lab, mappingFor("c*", `match = { permanent_mac = "${nic.mac}" }\nname = "eth1"`));
      const container = await lab.container();
      expect((await lab.attach("c1", container)).devices).toMatchObject([{ host_name: nic.name }]);
      expect(await container.netns.device("eth1")).toMatchObject({ mac: "02:00:00:00:00:55" });
    }),
  ]),
  ...DRIVERS.flatMap((driver) => [
    scenario(`${driver}: plugged in while a container waits for it, by the name that udev gives it`, (lab) =>
      pluggedIn(lab, driver, ({ name }) => `name = "${name}"`),
    ),
    scenario(`${driver}: plugged in while a container waits for its driver and PCI address`, (lab) =>
      pluggedIn(lab, driver, ({ pci }) => `driver = "${driver}", pci = "${pci}"`),
    ),
  ]),
];

/** A card that comes while a container waits for it; it is not taken before udev is done with it. */
async function pluggedIn(lab: Lab, driver: Nic["driver"], match: (nic: Nic) => string): Promise<void> {
  const nic = await freshNic(lab, driver);
  unplug(nic);
  await until(`${nic.name} to be gone`, async () => !(await lab.host.names()).includes(nic.name));
  await settle();
  await serve(lab, mappingWith("c*", 'wait = "60s"', `match = { ${match(nic)} }\nname = "eth1"`));
  const container = await lab.container();
  const name = lab.drop({ id: "c1", status: "creating", pid: container.pid });
  await until("the container to wait", async () => {
    const { containers } = await lab.daemon.status();
    return containers.some(({ state }) => state === "pending");
  });
  await rescan();
  expect(await lab.verdict(name)).toMatchObject({
    outcome: "attached",
    devices: [{ host_name: nic.name, name: "eth1" }],
  });
  expect(await container.netns.device("eth1")).toMatchObject({ mac: nic.mac, up: true });
  await container.kill();
  await lab.daemon.empty();
  await settle();
  expect(await lab.host.device(nic.name)).toMatchObject({ mac: nic.mac });
}
