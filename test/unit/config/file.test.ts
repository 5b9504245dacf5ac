import { describe, expect, test } from "bun:test";
import { DEFAULT_CONFIG } from "../../../src/config/config.ts";
import { formatFault } from "../../../src/config/fault.ts";
import { configOf, FOLDER, faultsOf, marked } from "./given-files.ts";

describe("the settings", () => {
  test("of an empty file are the contract's defaults", async () => {
    expect(await configOf("")).toEqual({
      daemon: {
        spool: "/run/netdevd/spool",
        results: "/run/netdevd/results",
        state: "/run/netdevd/state",
      },
      http: { listen: [{ type: "unix", path: "/run/netdevd/netdevd.sock" }], group: null },
      oci: { netDevices: false, allow: [] },
      mappings: [],
    });
  });

  test("that are given take the place of their defaults, and of no others", async () => {
    const text = '[daemon]\nspool = "/tmp/spool//"\n[http]\nlisten = ["127.0.0.1:0", "127.0.0.1:0"]\n';
    expect(await configOf(text)).toEqual({
      daemon: { ...DEFAULT_CONFIG.daemon, spool: "/tmp/spool" },
      http: {
        listen: [
          { type: "tcp", hostname: "127.0.0.1", port: 0 },
          { type: "tcp", hostname: "127.0.0.1", port: 0 },
        ],
        group: null,
      },
      oci: DEFAULT_CONFIG.oci,
      mappings: [],
    });
  });

  test("let bundles ask for devices", async () => {
    expect((await configOf('[oci]\nnet_devices = true\nallow = ["ens*", "tap0"]\n')).oci).toEqual({
      netDevices: true,
      allow: ["ens*", "tap0"],
    });
    expect((await configOf("[oci]\nnet_devices = true\n")).oci).toEqual({ netDevices: true, allow: [] });
  });

  test("may be none to listen at", async () => {
    expect((await configOf('[http]\nlisten = []\ngroup = "netdevd"\n')).http).toEqual({
      listen: [],
      group: "netdevd",
    });
  });
});

const cases: [told: string, text: string][] = [
  ["oci.net_devices: is the number 1, expected true or false", "[oci]\nnet_devices = ‸1\n"],
  ['oci.allow: is the string "ens*", expected an array of patterns', '[oci]\nallow = ‸"ens*"\n'],
  [
    'oci.allow[1]: is the string "", expected a text or pattern that is not empty',
    '[oci]\nallow = ["a", ‸""]\n',
  ],
  ['daemn: unknown key, expected "daemon", the nearest of daemon, http, oci, mapping', "[‸daemn]\n"],
  ['mappings: unknown key, expected "mapping", the nearest of daemon, http, oci, mapping', "[[‸mappings]]\n"],
  ["daemon: is an array, expected a table", "‸[[daemon]]\n"],
  ["http: is a date or time, expected a table", "http = ‸1979-05-27\n"],
  ["daemon.spool: is the number 5, expected the absolute path of a folder", "[daemon]\nspool = ‸5\n"],
  [
    'daemon.spool: "run" is no absolute path, expected the absolute path of a folder',
    '[daemon]\nspool = ‸"run"\n',
  ],
  [
    'daemon.spol: unknown key, expected "spool", the nearest of spool, results, state',
    '[daemon]\n‸spol = "/a"\n',
  ],
  [
    'daemon.results: "/a" is the folder of spool too, expected a folder of its own',
    '[daemon]\nspool = "/a"\nresults = ‸"/a/"\n',
  ],
  [
    'daemon.state: "/run/netdevd/results" is the folder of results too, expected a folder of its own',
    '[daemon]\nstate = ‸"/run/netdevd/results"\n',
  ],
  [
    'daemon.spool: "/run/netdevd/state" is the folder of state too, expected a folder of its own',
    '[daemon]\nspool = ‸"/run/netdevd/state"\n',
  ],
  [
    'http.listen: is the string "127.0.0.1:1", expected an array of places to listen at: "unix:/PATH", "127.0.0.1:PORT" or "[::1]:PORT"',
    '[http]\nlisten = ‸"127.0.0.1:1"\n',
  ],
  [
    'http.listen[1]: 0.0.0.0 is no loopback address, and netdevd is not to be seen from outside, expected "unix:/PATH", "127.0.0.1:PORT" or "[::1]:PORT"',
    '[http]\nlisten = ["127.0.0.1:1", ‸"0.0.0.0:1"]\n',
  ],
  [
    'http.listen[1]: "[0::1]:1" is there already, expected each place once',
    '[http]\nlisten = ["[::1]:1", ‸"[0::1]:1"]\n',
  ],
  [
    'http.listen[2]: "unix:/a" is there already, expected each place once',
    '[http]\nlisten = ["unix:/a", "unix:/b", ‸"unix:/a"]\n',
  ],
  ["http.group: is empty, expected a name", '[http]\ngroup = ‸""\n'],
];

describe("a file:", () => {
  test.each(cases)("%s", async (told, text) => {
    const { text: toml, places } = marked(text);
    const faults = await faultsOf(toml);
    expect(faults.map(formatFault)).toEqual([`${FOLDER}/netdevd.toml:${places[0]}: ${told}`]);
  });
});
