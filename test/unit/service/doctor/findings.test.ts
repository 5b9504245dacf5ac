import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { stateFinding } from "../../../../src/service/doctor/folders.ts";
import { managerFindings } from "../../../../src/service/doctor/managers.ts";
import { capabilityFinding, kernelFinding } from "../../../../src/service/doctor/privileges.ts";
import { runtimeFindings } from "../../../../src/service/doctor/runtimes.ts";

describe("kernel", () => {
  const levels = {
    "5.14.0": "pass",
    "6.1.0-31-amd64": "pass",
    "5.13.19": "fail",
    "4.19.0": "fail",
    odd: "fail",
  } as const;
  for (const [release, level] of Object.entries(levels)) {
    test(`${release}: ${level}`, () => {
      expect(kernelFinding(release).level).toBe(level);
      expect(kernelFinding(release).found).toContain(release);
    });
  }
});

describe("capabilities", () => {
  const status = (mask: string) => `Name:\tbun\nCapPrm:\t0000000000000000\nCapEff:\t${mask}\nCapBnd:\t0\n`;

  test("root has them", () => {
    expect(capabilityFinding(status("000001ffffffffff")).level).toBe("pass");
  });

  test("exactly the three are enough", () => {
    expect(capabilityFinding(status((0x281000).toString(16))).level).toBe("pass");
  });

  const lacking = { CAP_NET_ADMIN: 12, CAP_SYS_PTRACE: 19, CAP_SYS_ADMIN: 21 };
  for (const [name, bit] of Object.entries(lacking)) {
    test(`without ${name} it fails, and names that one alone`, () => {
      const { level, found } = capabilityFinding(status((0x281000 & ~(1 << bit)).toString(16)));
      expect(level).toBe("fail");
      expect(found.match(/CAP_\w+/g)).toEqual([name]);
    });
  }
});

describe("managers", () => {
  const none = () => [];

  test("none: all is well", () => {
    expect(managerFindings(new Set(["bash", "systemd"]), none)).toMatchObject([{ level: "pass" }]);
  });

  for (const [comm, name] of [
    ["systemd-network", "systemd-networkd"],
    ["NetworkManager", "NetworkManager"],
    ["dhcpcd", "dhcpcd"],
  ] as const) {
    test(`${name} is named, with a mend`, () => {
      const [finding, ...others] = managerFindings(new Set(["bash", comm]), none);
      expect(others).toEqual([]);
      expect(finding?.level).toBe("warn");
      expect(finding?.found).toContain(name);
      expect(finding?.mend).not.toBeNull();
    });
  }

  test("the files that a mend names are shipped", () => {
    const told = managerFindings(new Set(["NetworkManager", "systemd-network"]), none).map(
      ({ mend }) => mend,
    );
    const paths = told.flatMap((mend) => mend?.match(/config\/[^ ,]+/g) ?? []);
    expect(paths).toHaveLength(2);
    for (const path of paths) expect(existsSync(join(import.meta.dir, "../../../..", path))).toBe(true);
  });

  test("each that runs is named", () => {
    expect(managerFindings(new Set(["NetworkManager", "systemd-network"]), none)).toHaveLength(2);
  });

  test("one that a file of netdevd's keeps off is well, and the file is named", () => {
    const files = (folder: string) => (folder === "/etc/systemd/network" ? ["10-netdevd.network"] : []);
    const [finding] = managerFindings(new Set(["systemd-network"]), files);
    expect(finding?.level).toBe("pass");
    expect(finding?.found).toContain("/etc/systemd/network/10-netdevd.network");
  });
});

describe("runtimes", () => {
  test("no folder for hooks", () => {
    expect(runtimeFindings(() => null)).toMatchObject([{ level: "pass" }]);
  });

  test("a folder without a hook of netdevd's", () => {
    const [finding] = runtimeFindings((folder) => (folder.startsWith("/usr") ? ["{}"] : null));
    expect(finding?.level).toBe("warn");
    expect(finding?.found).toContain("/usr/share/containers/oci/hooks.d");
  });

  test("a hook of netdevd's in either folder is enough", () => {
    const hook = '{"hook":{"path":"/usr/bin/netdevd"}}';
    const [finding] = runtimeFindings((folder) => (folder.startsWith("/etc") ? [hook] : ["{}"]));
    expect(finding?.level).toBe("pass");
  });
});

describe("what the state folder is on", () => {
  const TMPFS = 0x01021994;
  const EXT4 = 0xef53;
  const rows = [
    { type: TMPFS, free: 1e9, level: "pass" },
    { type: EXT4, free: 1e9, level: "warn" },
    { type: TMPFS, free: 4096, level: "fail" },
  ] as const;
  for (const { type, free, level } of rows) {
    test(`type ${type.toString(16)} with ${free} bytes free: ${level}`, () => {
      expect(stateFinding("/state", { type, free }).level).toBe(level);
    });
  }
});
