import { expect } from "bun:test";
import { furnish } from "../../helpers/devices.ts";
import { mappingFor } from "../../helpers/mapping.ts";
import { serve } from "../attached.ts";
import { settle } from "../hardware.ts";
import { type Scenario, scenario } from "../scenario.ts";

// Kinds of device that Debian's kernel has: each that can change its namespace comes home as it was, and each that
// the kernel destroys with its namespace is fetched before that.

interface Kind {
  readonly make: readonly string[];
  /** Commands that give d0 what is to be kept. */
  readonly furnish: readonly string[];
  /** What there is to clean up beside d0. */
  readonly others: readonly string[];
}

const LOWER = ["link add d0-low type dummy", "link set d0-low up"];
/** A kind that has no Ethernet, whose MTU is its own, or whose addresses mean something else. */
const PLAIN = [
  'link set d0 alias "what d0 is for"',
  "link property add dev d0 altname d0-second",
  "link set d0 up",
];
const ROUTED = [...PLAIN, "addr add 192.0.2.1/24 dev d0", "addr add 192.0.2.5 peer 192.0.2.6/32 dev d0"];

const KINDS: Readonly<Record<string, Kind>> = {
  dummy: { make: ["link add d0 type dummy"], furnish: furnish("d0"), others: [] },
  vlan: {
    make: [...LOWER, "link add link d0-low name d0 type vlan id 42"],
    furnish: furnish("d0"),
    others: ["d0-low"],
  },
  ipvlan: {
    make: [...LOWER, "link add link d0-low name d0 type ipvlan mode l2"],
    furnish: furnish("d0"),
    others: ["d0-low"],
  },
  wireguard: { make: ["link add d0 type wireguard"], furnish: ROUTED, others: [] },
  gre: { make: ["link add d0 type gre local 192.0.2.77 remote 192.0.2.78"], furnish: ROUTED, others: [] },
  geneve: { make: ["link add d0 type geneve id 7 remote 192.0.2.78"], furnish: ROUTED, others: [] },
  vcan: { make: ["link add d0 type vcan"], furnish: PLAIN, others: [] },
};

const home = Object.entries(KINDS).map(([kind, { make, furnish, others }]) =>
  scenario(`${kind}: in and home as it was, though its container was killed`, async (lab) => {
    try {
      await lab.host.ip(...make);
      await settle();
      await lab.host.ip(...furnish);
      const before = await lab.host.device("d0");
      await serve(lab, mappingFor("c1", 'match = { name = "d0" }\nname = "in0"'));
      const container = await lab.container();
      expect(await lab.attach("c1", container)).toMatchObject({ outcome: "attached", warnings: [] });
      expect(await container.netns.device("in0")).toMatchObject({
        up: true,
        mtu: before.mtu,
        mac: before.mac,
      });
      await container.kill();
      await lab.daemon.empty();
      await settle();
      expect(await lab.host.device("d0")).toEqual(before);
    } finally {
      for (const name of ["d0", ...others]) {
        if ((await lab.host.names()).includes(name)) await lab.host.ip(`link del ${name}`);
      }
    }
  }),
);

const refused = ["bond", "vrf", "bridge", "team"].map((kind) =>
  scenario(`${kind}: refused, and nothing touched`, async (lab) => {
    await lab.host.ip(`link add d0 type ${kind}${kind === "vrf" ? " table 77" : ""}`);
    try {
      await settle();
      const before = await lab.host.device("d0");
      await serve(lab, mappingFor("c1", 'match = { name = "d0" }\nforce = true'));
      const container = await lab.container();
      expect(await lab.attach("c1", container)).toMatchObject({
        outcome: "refused",
        error: { code: "device-guarded", device: "d0" },
      });
      expect(await lab.host.device("d0")).toEqual(before);
    } finally {
      await lab.host.ip("link del d0");
    }
  }),
);

export const KIND: readonly Scenario[] = [...home, ...refused];
