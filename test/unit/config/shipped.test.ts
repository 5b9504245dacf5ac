import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_CONFIG } from "../../../src/config/config.ts";
import { diskFiles } from "../../../src/config/disk.ts";
import { formatFault } from "../../../src/config/fault.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { DeviceRequest } from "../../../src/domain/mapping.ts";
import { configOf } from "./given-files.ts";

const CONFIG = join(import.meta.dir, "../../../config");

describe("config/netdevd.toml", () => {
  test("as shipped is the default config", async () => {
    expect(await loadConfig(join(CONFIG, "netdevd.toml"), diskFiles)).toEqual({
      ok: true,
      config: DEFAULT_CONFIG,
    });
  });

  const everything = readFileSync(join(CONFIG, "netdevd.toml"), "utf8").replace(/^#(?=[^\s#])/gm, "");

  test("with all that is commented out in place is right, and names the defaults", async () => {
    const { daemon, http, oci, mappings } = await configOf(everything);
    expect(daemon).toEqual(DEFAULT_CONFIG.daemon);
    expect(oci).toEqual(DEFAULT_CONFIG.oci);
    expect(http).toEqual({ ...DEFAULT_CONFIG.http, group: "netdevd" });
    expect(mappings.map(({ name }) => name)).toEqual(["trainer", "as-first-proposed", "as-in-the-spec"]);
  });

  test("gives as the value of an optional key what is so without it", async () => {
    const keys = ["required", "wait", "on_exit", "count", "dad", "up", "force"];
    const without = everything.replace(new RegExp(`^(${keys.join("|")}) = .*$`, "gm"), "");
    expect(without).not.toBe(everything);
    expect(await configOf(without)).toEqual(await configOf(everything));
  });
});

describe("config/examples:", () => {
  const wanted: Record<string, Partial<DeviceRequest>[]> = {
    "by-altname.toml": [{ name: "eth1" }],
    "by-annotation.toml": [{ count: "all" }],
    "by-kind.toml": [{ count: 2, name: "net%d" }],
    "by-mac.toml": [{ name: "lan0" }, { name: "wan0" }],
    "by-name.toml": [{ name: "eth1" }],
    "by-pci.toml": [{ name: "wan0" }, { name: "lan0" }],
    "forced.toml": [{ force: true }],
    "given-settings.toml": [
      { mtu: 9000, mac: "02:00:00:00:00:01" },
      { addresses: [], up: false },
    ],
    "late-device.toml": [{ name: "can0" }],
    "leave-inside.toml": [{ name: null }],
    "oci-array.toml": [
      { name: "ns1", mtu: 1500 },
      { name: "ns2", mtu: null },
    ],
    "oci-map.toml": [{ name: null }, { name: "container_eth0" }],
    "optional-device.toml": [{ name: null }],
    "routes-and-sysctls.toml": [
      { sysctls: { "ipv4.arp_ignore": 1, "ipv6.accept_ra": 0, "ipv4.neigh.app_solicit": 1 } },
    ],
    "virtual-functions.toml": [{ count: 2, name: "net%d" }],
    "with-bundles.toml": [{ name: "eth1" }],
  };

  test("there is one of each kind", () => {
    expect(readdirSync(join(CONFIG, "examples")).toSorted()).toEqual(Object.keys(wanted));
  });

  test.each(Object.entries(wanted))("%s", async (file, devices) => {
    const result = await loadConfig(join(CONFIG, "examples", file), diskFiles);
    if (!result.ok) throw new Error(result.faults.map(formatFault).join("\n"));
    const [mapping, ...others] = result.config.mappings;
    expect(others).toEqual([]);
    expect(mapping).toMatchObject({ name: file.replace(".toml", ""), devices });
  });
});
