import { describe, expect, test } from "bun:test";
import { formatFault } from "../../../src/config/fault.ts";
import { loadConfig } from "../../../src/config/load.ts";

// TOML that nobody writes but somebody has: told in the same voice, never a crash.

async function told(text: string): Promise<string[]> {
  const files = { readText: async () => text, list: async () => [] };
  const result = await loadConfig("n.toml", files);
  return result.ok ? [`ok: ${result.config.mappings.length}`] : result.faults.map(formatFault);
}

const DEVICES = 'device = [{ match.name = "d0" }]';

test.each<[string, string, string[]]>([
  ["an empty file", "", ["ok: 0"]],
  ["a file of blanks and comments", " \r\n# nothing\r\n\t", ["ok: 0"]],
  [
    "a byte order mark and CRLF",
    `\uFEFF[[mapping]]\r\nname = "a"\r\ncontainer.id = "c"\r\n${DEVICES}\r\n`,
    ["ok: 1"],
  ],
  [
    "dotted keys",
    `mapping = [{ name = "a", container.annotations."com.example/x".y = "b" }]`,
    [
      "n.toml:1:12: mapping[0]: asks for no device, expected [[mapping.device]] or one of the spellings of netDevices",
      'n.toml:1:48: mapping[0].container.annotations."com.example/x": is a table, expected a text or pattern',
    ],
  ],
  [
    "dates and times",
    `daemon.spool = 1979-05-27\nhttp.listen = [07:32:00, 1979-05-27T07:32:00Z]`,
    [
      "n.toml:1:16: daemon.spool: is a date or time, expected the absolute path of a folder",
      'n.toml:2:16: http.listen[0]: is a date or time, expected "unix:/PATH", "127.0.0.1:PORT" or "[::1]:PORT"',
      'n.toml:2:26: http.listen[1]: is a date or time, expected "unix:/PATH", "127.0.0.1:PORT" or "[::1]:PORT"',
    ],
  ],
  [
    "an integer that no machine has",
    "x = 9223372036854775808",
    ["n.toml:1:5: is no valid TOML: integer value cannot be represented losslessly, expected TOML 1.1"],
  ],
  [
    "an integer that is too much",
    mappingWith("mtu = 9007199254740991"),
    [
      "n.toml:4:36: mapping[0].device[0].mtu: is the number 9007199254740991, expected an integer from 68 to 65535",
    ],
  ],
  [
    "no number at all",
    mappingWith("mtu = nan"),
    ["n.toml:4:36: mapping[0].device[0].mtu: is the number NaN, expected an integer from 68 to 65535"],
  ],
  [
    "more than any number",
    mappingWith("count = inf"),
    ['n.toml:4:38: mapping[0].device[0].count: is the number Infinity, expected a positive integer or "all"'],
  ],
  [
    "a part of one",
    mappingWith("mtu = 1500.5"),
    ["n.toml:4:36: mapping[0].device[0].mtu: is the number 1500.5, expected an integer from 68 to 65535"],
  ],
  [
    "a table where an array is due",
    "[mapping]\nname = 'a'",
    ["n.toml:1:1: mapping: is a table, expected an array of tables ([[mapping]])"],
  ],
  [
    "a thousand brackets",
    `x = ${"[".repeat(5000)}`,
    [
      "n.toml:1:1005: is no valid TOML: document contains excessively nested structures. aborting., expected TOML 1.1",
    ],
  ],
  [
    "a key that goes on and on",
    `${"a.".repeat(20_000)}b = 1`,
    ['n.toml:1:1: a: unknown key, expected "oci", the nearest of daemon, http, oci, mapping'],
  ],
])("%s", async (_, text, says) => expect(await told(text)).toEqual(says));

function mappingWith(setting: string): string {
  return `[[mapping]]\nname = "a"\ncontainer.id = "c"\ndevice = [{ match.name="d0", ${setting} }]`;
}

describe("many faults", () => {
  test("are all told, and take no more than a few take, by the fault", async () => {
    const took = async (count: number) => {
      const text = Array.from(
        { length: count },
        (_, at) => `mapping.x${at} = 1 # ${"é".repeat(at % 7)}`,
      ).join("\n");
      const { user } = process.cpuUsage();
      expect(await told(`${text}\n`)).toHaveLength(1);
      const keys = text.replaceAll("mapping.", "");
      expect(await told(keys)).toHaveLength(count);
      return (process.cpuUsage().user - user) / count;
    };
    const few = Math.min(await took(200), await took(200));
    const many = Math.min(await took(10_000), await took(10_000));
    expect(many).toBeLessThan(20 * few);
  });
});
