import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lastedOut, startDrill } from "../../helpers/drill.ts";
import { until } from "../../helpers/until.ts";
import { furnishedNic } from "../attached.ts";
import { DRIVERS, settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// "`netdevd drill DEVICE`: takes one device into a throwaway namespace and home again": hardware, on a host with udev and
// networkd, whose link comes up anew.

const cards = DRIVERS.map((driver, at) =>
  scenario(`${driver}: a drill brings it home with all that it had, its default route too`, async (lab) => {
    const { nic } = await furnishedNic(lab, driver);
    const { name } = nic;
    await lab.host.ip(`route add default via 192.0.2.254 dev ${name} table ${77 + at}`);
    const before = await lab.host.device(name);
    const args = ["drill", name, "--force"];
    lab.configure("");
    const { code, stdout, stderr } = await lab.netdevd(...args);
    expect({ code, stderr, lost: stdout.includes("LOST") }).toEqual({ code: 0, stderr: "", lost: false });
    await settle();
    expect(await lab.host.device(name)).toEqual(before);
    expect(stdout).toContain(
      `\n  meanwhile the host loses a default route: ${name} carries a default route\n`,
    );
    expect(stdout).toContain("\n  back  route default via 192.0.2.254");
    expect(stdout).toMatch(
      /\n {2}back {2}carrier up\n(.*\n)*gone from the host for .*, without carrier for /,
    );
  }),
);

export const DRILL: readonly Scenario[] = [
  ...cards,
  scenario("e1000e: a drill is killed while the card is away: its watchdog brings it home", async (lab) => {
    const { nic, before } = await furnishedNic(lab, "e1000e");
    lab.configure("");
    const drill = startDrill(lab, nic.name, "--stay", "60s");
    const isThere = async () => (await lab.host.names()).includes(nic.name);
    await until("the card to be away", async () => !(await isThere()), { detail: drill.told });
    drill.kill("SIGKILL");
    await until("the card to be home", isThere, { detail: drill.told });
    await lastedOut(drill);
    await settle();
    expect(await lab.host.device(nic.name)).toEqual(before);
    expect(readFileSync(join(lab.state, "drill.log"), "utf8")).toContain(`${nic.name} is home`);
  }),
];
