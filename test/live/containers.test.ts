import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { furnish, furnishedAddresses, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import type { Process } from "../helpers/process.ts";

// All that a container's network namespace may be, each with all that may end it.

/** A container, or the several of a pod, and the events that a runtime drops for them. */
interface Made {
  readonly processes: readonly Process[];
  readonly targets: readonly ({ readonly pid: number } | { readonly netns: string })[];
}

async function ownOne(lab: Lab, userNamespace: boolean): Promise<Made> {
  const one = await lab.container({ userNamespace });
  return { processes: [one], targets: [{ pid: one.pid }] };
}

/** A namespace that `ip netns` or a pod's sandbox made: bound to a path, with no process of its own in it. */
async function boundNamespace(lab: Lab, userNamespace: boolean): Promise<{ path: string; inside: Process }> {
  const maker = await lab.container({ userNamespace });
  const path = join(lab.folder, "pod");
  writeFileSync(path, "");
  expect(await lab.onHost("mount", "--bind", maker.netns.path, path)).toMatchObject({ code: 0 });
  const inside = await lab.container({ sharing: maker });
  await maker.kill();
  return { path, inside };
}

const made: Record<string, (lab: Lab) => Promise<Made>> = {
  "a namespace of its own": (lab) => ownOne(lab, false),
  "a user namespace of its own": (lab) => ownOne(lab, true),
  async "a joined namespace"(lab) {
    const { inside } = await boundNamespace(lab, false);
    return { processes: [inside], targets: [{ pid: inside.pid }] };
  },
  async "a joined namespace of a user namespace"(lab) {
    const { inside } = await boundNamespace(lab, true);
    return { processes: [inside], targets: [{ pid: inside.pid }] };
  },
  async "a namespace named by its path"(lab) {
    const { path, inside } = await boundNamespace(lab, false);
    return { processes: [inside], targets: [{ netns: path }] };
  },
  async "a namespace of a user namespace, named by its path"(lab) {
    const { path, inside } = await boundNamespace(lab, true);
    return { processes: [inside], targets: [{ netns: path }] };
  },
  async "a pod of three"(lab) {
    const first = await lab.container();
    const others = [await lab.container({ sharing: first }), await lab.container({ sharing: first })];
    const processes = [first, ...others];
    return { processes, targets: processes.map(({ pid }) => ({ pid })) };
  },
  async "a pod of two in a user namespace, one of them named by path"(lab) {
    const { path, inside } = await boundNamespace(lab, true);
    return { processes: [inside], targets: [{ netns: path }, { pid: inside.pid }] };
  },
};

const restart = async (lab: Lab) => {
  await lab.daemon.end("SIGKILL");
  await lab.start();
};

/** Ends every container: by SIGKILL, or, as its holder is a path, by `stopped`. */
async function kill(lab: Lab, { processes, targets }: Made): Promise<void> {
  for (const process of processes) await process.kill();
  for (const [at, target] of targets.entries()) {
    if ("netns" in target) await lab.event({ id: `c${at}`, status: "stopped" });
  }
}

const endings: Record<string, (lab: Lab, made: Made) => Promise<void>> = {
  async stopped(lab, { targets }) {
    for (const [at] of targets.entries()) {
      const last = at === targets.length - 1;
      const verdict = await lab.event({ id: `c${at}`, status: "stopped" });
      expect(verdict).toMatchObject({ outcome: "returned", devices: last ? [{ name: "d0" }] : [] });
    }
  },
  SIGKILL: kill,
  async "SIGKILL of the daemon before"(lab, all) {
    await restart(lab);
    expect((await lab.daemon.status()).containers).toHaveLength(all.targets.length);
    await kill(lab, all);
  },
  async "SIGKILL of the daemon, and then of it, while none runs"(lab, all) {
    await lab.daemon.end("SIGKILL");
    for (const process of all.processes) await process.kill();
    await lab.start();
    await kill(lab, all);
  },
};

for (const [what, make] of Object.entries(made)) {
  test(`${what} gets the device, and gives it back however it ends`, async () => {
    await using lab = await Lab.create();
    await lab.host.ip(...makeDevice("veth", "d0"), ...furnish("d0"));
    const before = await lab.host.devices();
    await lab.start(mappingFor("c*", 'match = { name = "d0" }\nname = "eth1"'));
    for (const [how, end] of Object.entries(endings)) {
      const all = await make(lab);
      for (const [at, target] of all.targets.entries()) {
        const verdict = await lab.event({ id: `c${at}`, status: "creating", ...target });
        expect({ how, verdict }).toMatchObject({ how, verdict: { outcome: "attached", error: null } });
      }
      for (const { netns } of all.processes) {
        expect(await netns.device("eth1")).toMatchObject({
          up: true,
          mtu: 1400,
          addresses: furnishedAddresses("eth1"),
        });
      }
      expect(Object.keys(await lab.host.devices())).not.toContain("d0");
      await end(lab, all);
      await lab.daemon.empty();
      expect({ how, devices: await lab.host.devices() }).toEqual({ how, devices: before });
      for (const process of all.processes) await process.kill();
      // Nothing of it is left but the path, which is whoever bound it.
      await lab.onHost("umount", join(lab.folder, "pod"));
    }
  });
}
