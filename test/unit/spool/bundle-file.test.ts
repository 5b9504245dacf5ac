import { describe, expect, test } from "bun:test";
import { parseNetDevices } from "../../../src/spool/bundle-file.ts";

// runtime-spec 1.3, config-linux.md, "Network Devices": linux.netDevices is a map of host names to { name }.

const FILE = "/b/config.json";

function parse(config: unknown) {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  return parseNetDevices(FILE, new TextEncoder().encode(text));
}

const withDevices = (netDevices: unknown) => parse({ linux: { netDevices } });

describe("what a bundle asks for:", () => {
  test("names inside, or the host's, in the order of the file", () => {
    const netDevices = { ens5: {}, eth0: { name: "container_eth0" }, ens4: { name: "" }, a: { name: null } };
    expect(withDevices(netDevices)).toEqual({
      ok: true,
      netDevices: [
        { hostName: "ens5", name: null },
        { hostName: "eth0", name: "container_eth0" },
        { hostName: "ens4", name: null },
        { hostName: "a", name: null },
      ],
    });
  });

  test("a pattern of numbers inside, and names that are no patterns or seem to be taken", () => {
    const text = '{"a*":{"name":"net%d"},"__proto__":{},"constructor":{},"[x]":{}}';
    expect(parse(`{"linux":{"netDevices":${text}}}`)).toEqual({
      ok: true,
      netDevices: [
        { hostName: "a*", name: "net%d" },
        { hostName: "__proto__", name: null },
        { hostName: "constructor", name: null },
        { hostName: "[x]", name: null },
      ],
    });
  });

  test.each([
    ["no linux", { ociVersion: "1.3.0" }],
    ["linux is null", { linux: null }],
    ["no netDevices", { linux: { namespaces: [{ type: "network" }] } }],
    ["netDevices is null", { linux: { netDevices: null } }],
    ["netDevices is empty", { linux: { netDevices: {} } }],
  ])("nothing where %s", (_, config) => {
    expect(parse(config)).toEqual({ ok: true, netDevices: [] });
  });
});

const faults: [config: unknown, says: string][] = [
  ["", "line 1, column 1: expected a value, found the end of the file"],
  ['{\n "linux": {,}}', 'line 2, column 12: expected a key in quotes or "}", found ","'],
  ["[]", "expected an object, found an array"],
  ["7", "expected an object, found 7"],
  [{ linux: [] }, "linux: expected an object, found an array"],
  [{ linux: { netDevices: ["a"] } }, "linux.netDevices: expected an object, found an array"],
  [{ linux: { netDevices: { a: null } } }, "linux.netDevices.a: expected an object, found null"],
  [{ linux: { netDevices: { a: [] } } }, "linux.netDevices.a: expected an object, found an array"],
  // bad/linux-netdevice.json of runtime-spec.
  [
    { linux: { netDevices: { eth0: { name: 23 } } } },
    "linux.netDevices.eth0.name: expected a string, found 23",
  ],
  [
    { linux: { netDevices: { "a.b": { name: {} } } } },
    'linux.netDevices["a.b"].name: expected a string, found an object',
  ],
  [
    { linux: { netDevices: { "a/b": {} } } },
    'linux.netDevices: the name "a/b" of a device holds a "/", ":" or white space',
  ],
  [{ linux: { netDevices: { "": {} } } }, 'linux.netDevices: the name "" of a device is empty'],
  [{ linux: { netDevices: { "net%d": {} } } }, 'linux.netDevices: the name "net%d" of a device holds a "%"'],
];

describe("what is no bundle's config is told, with where:", () => {
  for (const [config, says] of faults) {
    test(says, () => {
      const message = `${FILE}: ${says}`;
      expect(parse(config)).toEqual({
        ok: false,
        problem: { code: "bundle-invalid", message, device: null },
      });
    });
  }

  test("a name inside that no device can have, with the device", () => {
    expect(withDevices({ a: {}, b: { name: "sixteen-bytes-xx" } })).toEqual({
      ok: false,
      problem: {
        code: "name-invalid",
        message: `${FILE}: linux.netDevices.b.name: the name "sixteen-bytes-xx" has 16 bytes, and the kernel takes 15 at most`,
        device: "b",
      },
    });
    for (const name of ["a%d%d", "a%s", ".", "all", "a b"])
      expect(withDevices({ a: { name } })).toMatchObject({ ok: false, problem: { code: "name-invalid" } });
  });

  test("bytes that are no UTF-8", () => {
    const bytes = Uint8Array.of(...new TextEncoder().encode('{"linux":"'), 0xff, 0x22, 0x7d);
    expect(parseNetDevices(FILE, bytes)).toMatchObject({ ok: false, problem: { code: "bundle-invalid" } });
  });

  test("more devices than any container has", () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`d${at}`, {}]));
    expect(withDevices(many(256))).toMatchObject({ ok: true });
    expect(withDevices(many(300_000))).toMatchObject({
      problem: { message: `${FILE}: linux.netDevices: expected 256 devices at most, found 300000` },
    });
  });

  test("in few words, whatever is in there", () => {
    const long = "x".repeat(1_000_000);
    for (const config of [
      { linux: long },
      { linux: { netDevices: { [long]: {} } } },
      { linux: { netDevices: { a: { name: long } } } },
      { linux: { netDevices: { a: { name: [long] } } } },
    ]) {
      const read = parse(config);
      expect(read.ok).toBe(false);
      if (!read.ok) expect(read.problem.message.length).toBeLessThan(300);
    }
  });

  test("nested to any depth", () => {
    const depth = 2 * 1024 * 1024;
    expect(parse("[".repeat(depth) + "]".repeat(depth))).toMatchObject({ ok: false });
    expect(parse(`{"process":${"[".repeat(100_000)}${"]".repeat(100_000)}}`).ok).toBeBoolean();
  });
});
