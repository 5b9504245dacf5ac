import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import * as v from "valibot";
import { fileSchema } from "../../../src/config/file-schema.ts";
import { configJsonSchema } from "../../../src/config/json-schema.ts";
import { refusedBySchema, whyRefused } from "./by-schema.ts";
import { withDevice, withMapping } from "./given-files.ts";

const TOP = join(import.meta.dir, "../../..");
const README = readFileSync(join(TOP, "README.md"), "utf8");

// Of each wrong and each good config of the tests of this folder, given-files.ts asks it too.

describe("the JSON Schema takes", () => {
  const examples = readdirSync(join(TOP, "config/examples")).map((name) => `config/examples/${name}`);
  test.each(["config/netdevd.toml", ...examples])("%s", (file) => {
    expect(refusedBySchema(readFileSync(join(TOP, file), "utf8"))).toBeNull();
  });

  test("config/netdevd.toml with all that is commented out in place", () => {
    const text = readFileSync(join(TOP, "config/netdevd.toml"), "utf8").replace(/^#(?=[^\s#])/gm, "");
    expect(refusedBySchema(text)).toBeNull();
  });

  test("every config of the README", () => {
    const blocks = Array.from(
      README.matchAll(/^( *)```toml\n(.*?)^ *```|^cat >\S+\.toml <<'END'\n(.*?)^END$/gms),
      ([, indent = "", block, file]) => (file ?? block ?? "").replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    );
    expect(blocks).toHaveLength(3);
    for (const block of blocks) expect(refusedBySchema(block)).toBeNull();
  });
});

describe("the JSON Schema refuses", () => {
  const device = (line: string) => withDevice(`match = { name = "a" }\n${line}`);
  test.each([
    ["an unknown key", "[daemon]\nspol = '/a'\n"],
    ["a mapping without devices", withMapping("")],
    ["a mapping without a name", withDevice('match = { name = "a" }').replace('name = "m"', "")],
    ["a selector that says nothing", withDevice("match = {}")],
    ["one name for several devices", device('name = "eth1"\ncount = 2')],
    ["routes of a device that is down", device('routes = "preserve"\nup = false')],
    ["a default route of no family", device('routes = [{ to = "default" }]')],
    ["a duration that is none", withMapping('wait = "5"\ndevice = [{ match = { name = "a" } }]')],
    ["a group's MAC", device('mac = "01:00:00:00:00:01"')],
    ["an address that is none", device('addresses = ["10.0.0.256/24"]')],
    ["a sysctl that is none", device('sysctls = { "arp_ignore" = 1 }')],
    [
      "a mask beside a prefix",
      withMapping('netDevices = [{ name = "a", properties = { address = "10.0.0.1/8", mask = "8" } }]'),
    ],
  ])("%s", (_, text) => {
    expect(refusedBySchema(text)).not.toBeNull();
  });
});

test("the JSON Schema takes whatever is taken in the end", () => {
  const prefixed = (address: fc.Arbitrary<string>) =>
    fc.tuple(address, fc.nat(130)).map(([text, bits]) => `${text}/${bits}`);
  const digits = fc.array(fc.constantFrom("0", "7", "a", "F", ":", "-", "."), { maxLength: 17 });
  const mac = fc.array(fc.nat(255), { minLength: 6, maxLength: 6 });
  const text = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 17 }),
    fc.stringMatching(/^[0-9]{0,3}(h|m|s|ms)([0-9]{1,3}(h|m|s|ms)){0,2}$/),
    fc.oneof(fc.ipV4(), fc.ipV6(), prefixed(fc.ipV4()), prefixed(fc.ipV6())),
    mac.map((bytes) => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":")),
    digits.map((all) => all.join("")),
    fc.stringMatching(/^[a-c]{0,9}(%d)?[a-c*?[\]]{0,9}$/),
    fc.stringMatching(/^(unix:\/[a-c/]{0,9}|(127\.0\.[0-9]\.1|\[[0:]{0,5}::1\]):[0-9]{1,5})$/),
  );
  const device = (key: string) => (value: string) => ({ match: { name: "a" }, [key]: value });
  const within: readonly ((value: string) => object)[] = [
    (value) => ({ daemon: { spool: value } }),
    (value) => ({ http: { listen: [value], group: "a" } }),
    (value) => ({ http: { group: value } }),
    ...[
      ...["name", "mac"].map(device),
      ...["name", "altname", "mac", "pci", "pf"].map((key) => (value: string) => ({
        match: { [key]: value },
      })),
      (value: string) => ({ match: { name: "a" }, addresses: [value] }),
      (value: string) => ({ match: { name: "a" }, routes: [{ to: value, via: "::1" }] }),
      (value: string) => ({ match: { name: "a" }, routes: [{ to: "default", via: value }] }),
      (value: string) => ({ match: { name: "a" }, sysctls: { [value]: 1 } }),
    ].map((of) => (value: string) => ({
      mapping: [{ name: "m", container: { id: "c" }, device: [of(value)] }],
    })),
    ...["wait", "name", "on_exit"].map((key) => (value: string) => ({
      mapping: [{ name: "m", container: { id: "c" }, device: [{ match: { name: "a" } }], [key]: value }],
    })),
    (value) => ({
      mapping: [{ name: "m", container: { id: "c" }, netDevices: { [value]: { name: value } } }],
    }),
    (value) => ({
      mapping: [
        {
          name: "m",
          container: { id: "c" },
          netDevices: [{ name: "a", properties: { address: "fe80::1", mask: value } }],
        },
      ],
    }),
  ];
  let taken = 0;
  fc.assert(
    fc.property(text, fc.constantFrom(...within), (value, of) => {
      const config = of(value);
      if (!v.safeParse(fileSchema, config).success) return;
      taken += 1;
      expect(whyRefused(config), JSON.stringify(config)).toBeNull();
    }),
    { numRuns: 5000 },
  );
  expect(taken).toBeGreaterThan(500);
});

test("no pattern has a set within a set: to Taplo, which has Rust's patterns, it would be one", () => {
  const patterns = Array.from(JSON.stringify(configJsonSchema()).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g));
  expect(patterns.length).toBeGreaterThan(20);
  for (const [, pattern = ""] of patterns) {
    expect(JSON.parse(pattern)).not.toMatch(/(?<!\\)\[(?:[^\]\\[]|\\.)*\[/);
  }
});

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly type?: string;
  readonly anyOf?: readonly Node[];
}

const schema: Node = configJsonSchema();

/** The keys of the README's table with what is told of each: `key`, `default`, what it is. */
const rows = (README.split("\n## The config\n")[1] ?? "")
  .split("\n## ")[0]
  ?.split("\n")
  .flatMap((line) => {
    const [, keys, initial, text] = /^\| (`.*?`) \| (.*?) ?\| (.*?) ?\|$/.exec(line) ?? [];
    if (keys === undefined) return [];
    return keys.split(", ").map((key, at) => {
      const own = initial?.split(/, (?=`)/);
      return { key: key.replaceAll("`", ""), initial: own?.[at] ?? initial ?? "", text: text ?? "" };
    });
  });

function nodeOf(key: string): Node | undefined {
  const [table, member] = key.split(".");
  const mapping = schema.properties?.mapping?.items;
  if (member === undefined) return mapping?.properties?.device?.items?.properties?.[table ?? ""];
  return table === "mapping"
    ? mapping?.properties?.[member]
    : schema.properties?.[table ?? ""]?.properties?.[member];
}

describe("what an editor tells of a key is what the README's table says:", () => {
  test("all are in the table", () => {
    const of = (node: Node | undefined, prefix = "") =>
      Object.keys(node?.properties ?? {}).map((key) => prefix + key);
    const mapping = schema.properties?.mapping?.items;
    const all = [
      ...["daemon", "http", "oci"].flatMap((key) => of(schema.properties?.[key], `${key}.`)),
      ...of(mapping, "mapping."),
      ...of(mapping?.properties?.device?.items),
    ];
    expect(all.filter((key) => key !== "mapping.netDevices").toSorted()).toEqual(
      (rows ?? []).map(({ key }) => key).toSorted(),
    );
  });

  test.each(rows ?? [])("$key", ({ key, initial, text }) => {
    const node = nodeOf(key);
    if (text !== "") expect(node?.description).toBe(text);
    expect(node?.description).not.toBe("");
    const [, code] = /^`(.*)`$/.exec(initial) ?? [];
    const told = code?.startsWith("/") ? JSON.stringify(code) : code;
    expect(node?.default === undefined ? undefined : JSON.stringify(node.default)).toBe(told);
  });

  test("every key of every table has a description", () => {
    const bare = (node: Node, path: string): string[] => [
      ...Object.entries(node.properties ?? {}).flatMap(([key, one]) => [
        ...(one.description ? [] : [`${path}.${key}`]),
        ...bare(one, `${path}.${key}`),
      ]),
      ...[
        node.items,
        node.additionalProperties,
        ...(node.type === undefined ? (node.anyOf ?? []) : []),
      ].flatMap((one) => (typeof one === "object" ? bare(one, path) : [])),
    ];
    expect(bare(schema, "")).toEqual([]);
  });
});
