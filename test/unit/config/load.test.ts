import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatFault } from "../../../src/config/fault.ts";
import { type LoadResult, loadConfig } from "../../../src/config/load.ts";
import { run } from "../../helpers/command.ts";
import { configOf, FOLDER, givenFiles, load, marked, withDevice } from "./given-files.ts";

const mapping = (name: string) => withDevice('match = { name = "a" }').replace('"m"', `"${name}"`);

function told(result: LoadResult): string[] {
  return result.ok ? [] : result.faults.map((fault) => formatFault(fault).replace(`${FOLDER}/`, ""));
}

describe("the files", () => {
  test("are the main one, then conf.d beside it in the order of names", async () => {
    const result = await load({
      "conf.d/20-b.toml": mapping("b"),
      "netdevd.toml": mapping("main"),
      "conf.d/10-a.toml": mapping("a"),
      "conf.d/100-c.toml": mapping("c"),
    });
    const names = result.ok ? result.config.mappings.map(({ name }) => name) : told(result);
    expect(names).toEqual(["main", "a", "c", "b"]);
  });

  test("of conf.d that are hidden or no .toml are left alone", async () => {
    const result = await load({
      "netdevd.toml": "",
      "conf.d/.#a.toml": "=",
      "conf.d/a.toml~": "=",
      "conf.d/README": "=",
    });
    expect(result).toMatchObject({ ok: true, config: { mappings: [] } });
  });

  test("add up: settings of one table may be in several", async () => {
    const result = await load({
      "netdevd.toml": '[daemon]\nspool = "/a"\n',
      "conf.d/a.toml": '[daemon]\nstate = "/b"\n[http]\ngroup = "g"\n',
      "conf.d/b.toml": '[http]\nlisten = ["127.0.0.1:1"]\n',
    });
    expect(result).toMatchObject({
      ok: true,
      config: {
        daemon: { spool: "/a", results: "/run/netdevd/results", state: "/b" },
        http: { group: "g", listen: [{ port: 1 }] },
      },
    });
  });

  test("are beside a main file that is named from the working folder", async () => {
    const folders: string[] = [];
    const files = {
      ...givenFiles({}),
      readText: async () => "",
      list: async (folder: string) => [folders.push(folder)].map(String),
    };
    expect(await loadConfig("netdevd.toml", files)).toMatchObject({ ok: true });
    expect(await loadConfig("etc/netdevd.toml", files)).toMatchObject({ ok: true });
    expect(folders).toEqual(["conf.d", "etc/conf.d"]);
  });
});

describe("faults of files together", () => {
  test("a setting given twice names both places", async () => {
    const second = marked('[http]\n‸listen = []\n\n[daemon]\n  ‸spool = "/b"\n');
    const result = await load({
      "netdevd.toml": '[daemon]\nspool = "/a"\n[http]\nlisten = []\n',
      "conf.d/a.toml": second.text,
    });
    expect(told(result)).toEqual([
      `conf.d/a.toml:${second.places[0]}: http.listen: is set already at ${FOLDER}/netdevd.toml:4:1, expected each setting once in all files`,
      `conf.d/a.toml:${second.places[1]}: daemon.spool: is set already at ${FOLDER}/netdevd.toml:2:1, expected each setting once in all files`,
    ]);
  });

  test("a name of two mappings names both places", async () => {
    const result = await load({
      "netdevd.toml": mapping("a") + mapping("b"),
      "conf.d/x.toml": mapping("c") + mapping("b"),
    });
    expect(told(result)).toEqual([
      `conf.d/x.toml:7:8: mapping[1].name: "b" is the name of a mapping already at ${FOLDER}/netdevd.toml:7:8, expected a name of its own`,
    ]);
  });

  test("a name of two mappings of one file too", async () => {
    expect(told(await load({ "netdevd.toml": mapping("a") + mapping("a") }))).toEqual([
      `netdevd.toml:7:8: mapping[1].name: "a" is the name of a mapping already at ${FOLDER}/netdevd.toml:2:8, expected a name of its own`,
    ]);
  });

  test("one folder for two uses", async () => {
    const result = await load({
      "netdevd.toml": '[daemon]\nspool = "/a"\n',
      "conf.d/a.toml": '[daemon]\nresults = "/a"\n',
    });
    expect(told(result)).toEqual([
      'conf.d/a.toml:2:11: daemon.results: "/a" is the folder of spool too, expected a folder of its own',
    ]);
  });

  test("all are told, in the order of files and lines", async () => {
    const result = await load({
      "netdevd.toml": "x = 1\n[http]\ngroup = 5\ny = 2\n",
      "conf.d/b.toml": "[x\n",
      "conf.d/a.toml": "z = 3\n[http]\ngroup = 6\n",
    });
    expect(told(result).map((line) => line.split(": ").slice(0, 3).join(": ").replace(/, .*/, ""))).toEqual([
      "netdevd.toml:1:1: x: unknown key",
      "netdevd.toml:3:9: http.group: is the number 5",
      "netdevd.toml:4:1: http.y: unknown key",
      "conf.d/a.toml:1:1: z: unknown key",
      `conf.d/a.toml:3:1: http.group: is set already at ${FOLDER}/netdevd.toml:3:1`,
      "conf.d/a.toml:3:9: http.group: is the number 6",
      "conf.d/b.toml:1:3: is no valid TOML: illegal character in key",
    ]);
  });
});

describe("a file that cannot be read is a fault:", () => {
  test("the main one, if it is missing", async () => {
    expect(told(await load({}))).toEqual([
      `netdevd.toml:1:1: cannot be read: ENOENT: no such file or directory, open '${FOLDER}/netdevd.toml', expected a readable file`,
    ]);
  });

  test("and so is a folder that cannot be listed, beside the faults of the main file", async () => {
    const files = {
      readText: async () => "x = 1\n",
      list: async () => {
        throw new Error("EACCES: permission denied");
      },
    };
    expect(told(await loadConfig(`${FOLDER}/netdevd.toml`, files))).toEqual([
      'netdevd.toml:1:1: x: unknown key, expected "oci", the nearest of daemon, http, oci, mapping',
      "conf.d:1:1: cannot be read: EACCES: permission denied, expected a readable folder",
    ]);
  });
});

test("positions are of a text without its byte order mark", async () => {
  expect(told(await load({ "netdevd.toml": "\uFEFFx = 1" }))).toEqual([
    'netdevd.toml:1:1: x: unknown key, expected "oci", the nearest of daemon, http, oci, mapping',
  ]);
});

describe("the parser that tells positions", () => {
  const script = `
    const { loadConfig } = await import(${JSON.stringify(`${import.meta.dir}/../../../src/config/load.ts`)});
    const files = { readText: async () => process.env.CONFIG ?? "", list: async () => [] };
    await loadConfig("netdevd.toml", files);
    console.log(Object.keys(require.cache).some((name) => name.includes("toml-eslint-parser")));
  `;

  test.each([
    ["is not loaded for a config that is right", mapping("a"), "false\n"],
    ["is loaded for one that is not", "x = 1\n", "true\n"],
  ])("%s", async (_, config, loaded) => {
    const argv = ["env", `CONFIG=${config}`, process.execPath, "-e", script];
    expect(await run(argv)).toEqual({ code: 0, stdout: loaded, stderr: "" });
  });
});

describe("any text", () => {
  const key = fc.constantFrom(
    ..."daemon http oci mapping container device netDevices match name spool listen group annotations".split(
      " ",
    ),
    ..."addresses routes sysctls mtu mac count wait on_exit properties address mask eth0 a.b".split(" "),
    ..."__proto__ constructor toString prototype '' 'a b' pci up force dad allow net_devices id".split(" "),
  );
  const value = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(
        "1",
        "0",
        "-1",
        "1.5",
        "nan",
        "inf",
        "true",
        "1979-05-27",
        "07:32:00",
        '"a"',
        '"all"',
        '""',
      ),
      fc.constantFrom(
        '"eth%d"',
        '"0s"',
        '"10.0.0.1/24"',
        '"fd00::1"',
        '"255.0.0.0"',
        '"127.0.0.1:0"',
        "'a*'",
        "9e999",
      ),
      fc.array(tie("value"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      fc
        .uniqueArray(fc.tuple(key, tie("value")), { maxLength: 4, selector: ([name]) => name })
        .map((items) => `{ ${items.map(([name, item]) => `${name} = ${item}`).join(", ")} }`),
    ),
  })).value;
  const path = fc.array(key, { minLength: 1, maxLength: 3 }).map((keys) => keys.join("."));
  const line = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(key, value).map(([name, item]) => `${name} = ${item}`) },
    { weight: 2, arbitrary: path.map((name) => `[${name}]`) },
    { weight: 3, arbitrary: path.map((name) => `[[${name}]]`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("[[mapping]]", "[[mapping.device]]", "[[mapping.netDevices]]", "[http]"),
    },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 10 }) },
  );
  const toml = fc.oneof(
    fc.array(line, { maxLength: 12 }).map((lines) => lines.join("\n")),
    fc.string({ unit: "binary", maxLength: 200 }),
  );

  test("gives a config or faults with a place in it, and never throws", async () => {
    await fc.assert(
      fc.asyncProperty(toml, toml, async (main, other) => {
        const texts: Record<string, string> = { "netdevd.toml": main, "conf.d/a.toml": other };
        const result = await load(texts);
        if (result.ok) return;
        expect(result.faults.length).toBeGreaterThan(0);
        for (const { file, line, column, message, expected } of result.faults) {
          const lines = (texts[file.slice(FOLDER.length + 1)] ?? "").split("\n");
          expect(lines.length).toBeGreaterThanOrEqual(line);
          expect((lines[line - 1] ?? "").length + 1).toBeGreaterThanOrEqual(column);
          expect(message).not.toBe("");
          expect(expected).not.toBe("");
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("that is right as it stands is so in two files as well", async () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(names, fc.nat(8), async (names, at) => {
        const whole = await configOf(names.map(mapping).join(""));
        const parts = await load({
          "netdevd.toml": names.slice(0, at).map(mapping).join(""),
          "conf.d/a.toml": names.slice(at).map(mapping).join(""),
        });
        expect(parts).toEqual({ ok: true, config: whole });
      }),
    );
  });
});

test("10,000 mappings take no more than a thousand take, by the mapping", async () => {
  const took = async (count: number) => {
    const text = Array.from(
      { length: count },
      (_, at) => `[[mapping]]
name = "mapping-${at}"
container = { id = "container-${at}-*", annotations = { "com.example.nic" = "rdma*" } }
[[mapping.device]]
match = { name = "ens${at}" }
name = "eth1"
addresses = ["192.168.0.1/24", "2001:db8::1/64"]
mtu = 9000
`,
    ).join("");
    const { user } = process.cpuUsage();
    expect((await configOf(text)).mappings).toHaveLength(count);
    return (process.cpuUsage().user - user) / count;
  };
  // Enough of them for the ticks that the kernel counts this time in.
  const few = Math.min(await took(1000), await took(1000));
  // Were anything looked for among all the others, it would be ten times as much.
  expect(await took(10_000)).toBeLessThan(4 * few);
});
