import { describe, expect, test } from "bun:test";
import { formatFault } from "../../../src/config/fault.ts";
import { FOLDER, faultsOf, marked, withMapping } from "./given-files.ts";

const mapping = (line: string) => withMapping(`${line}\ndevice = [{ match = { name = "a" } }]`);

describe("what this version cannot act on is told:", () => {
  test.each([
    ["oci.net_devices", "false", "[oci]\nnet_devices = ‸true\n"],
    ["oci.allow", "an empty array", '[oci]\nallow = ‸["ens*"]\n'],
  ])("%s, expected %s", async (path, expected, text) => {
    const { text: toml, places } = marked(text);
    const told = `${path}: is not supported by this version yet, expected ${expected}`;
    expect((await faultsOf(toml)).map(formatFault)).toEqual([`${FOLDER}/netdevd.toml:${places[0]}: ${told}`]);
  });
});

describe("what asks for nothing is fine:", () => {
  test.each([
    ["net_devices = false", (line: string) => `[oci]\n${line}\n`],
    ["allow = []", (line: string) => `[oci]\n${line}\n`],
  ])("%s", async (line, within) => {
    expect(await faultsOf(within(line))).toEqual([]);
  });
});

describe("a value of the wrong type is told as such:", () => {
  test.each([
    ["is the number 1", "[oci]\nnet_devices = 1\n"],
    ['is the string "ens*"', '[oci]\nallow = "ens*"\n'],
    ["is the number 30", mapping("wait = 30")],
  ])("%s", async (message, text) => {
    expect((await faultsOf(text)).map((fault) => fault.message)).toEqual([message]);
  });
});
