import { expect } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceState } from "../helpers/device-state.ts";
import { furnish } from "../helpers/devices.ts";
import type { Lab } from "../helpers/lab.ts";
import { mappingFor } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";
import { freshNic, type Nic } from "./hardware.ts";

/** A card with all that is to be brought home, and what ip(8) tells of it. */
export async function furnishedNic(
  lab: Lab,
  driver: Nic["driver"],
  which = 0,
): Promise<{ readonly nic: Nic; readonly before: DeviceState }> {
  const nic = await freshNic(lab, driver, which);
  await lab.host.ip(...furnish(nic.name));
  return { nic, before: await lab.host.device(nic.name) };
}

/** Puts mappings in force: in the daemon that runs, or in a new one. */
export async function serve(lab: Lab, mappings: string): Promise<void> {
  const text = () => (existsSync(lab.config) ? readFileSync(lab.config, "utf8") : "");
  const before = text();
  lab.configure(mappings);
  if (!lab.isRunning()) {
    await lab.start();
  } else if (text() !== before) {
    const reloads = () => lab.daemon.log().split("config read anew").length;
    const count = reloads();
    lab.daemon.signal("SIGHUP");
    await until("the config to be read anew", () => reloads() > count, { detail: lab.daemon.log });
  }
}

/** How long netdevd looks after a device that has come home; a daemon that starts later than that, not at all. */
const LOOKED_AFTER = 10_000;

/** Until the daemon has nothing in hand any more of what came home: before, whatever somebody sets is put back. */
export async function lookedAfter(lab: Lab): Promise<void> {
  const folder = join(lab.state, "returned");
  const isDone = () => !existsSync(folder) || readdirSync(folder).length === 0;
  if (!lab.isRunning() && !isDone()) return await Bun.sleep(LOOKED_AFTER);
  await until("nothing to be looked after", isDone, { within: 20_000 });
}

/** Attaches a card to a new container as eth1. */
export async function attachNic(lab: Lab, { name }: Nic, id = "c1", more = ""): Promise<Process> {
  await serve(lab, mappingFor("c*", `match = { name = "${name}" }\nname = "eth1"\n${more}`));
  const container = await lab.container();
  expect(await lab.attach(id, container)).toMatchObject({ outcome: "attached", warnings: [], error: null });
  return container;
}

/** Moves eth1 of a container on to a namespace that nobody else knows of. */
export async function moveOn(lab: Lab, container: Process): Promise<Process> {
  const nested = await lab.container();
  await container.netns.ip(`link set eth1 netns ${nested.pid}`);
  return nested;
}

/** Waits until the one container that is held is stuck; gives what is told of it. */
export async function stuck(lab: Lab): Promise<string> {
  const { daemon } = lab;
  return await until(
    "the container to be stuck",
    async () => {
      const [container] = (await daemon.status()).containers;
      return container?.state === "stuck" ? JSON.stringify(container) : undefined;
    },
    { detail: daemon.log },
  );
}
