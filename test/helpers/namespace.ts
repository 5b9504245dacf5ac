import * as v from "valibot";
import { mustRun } from "./command.ts";
import { type DeviceState, deviceState, ipDevice } from "./device-state.ts";

/** A network namespace, seen through iproute2: the reader that has no code in common with the program. */
export interface Namespace {
  /** /proc/PID/ns/net of a process in it. */
  readonly path: string;
  /** Runs commands of ip(8), one per argument, in order; the first that fails is an error. */
  ip(...commands: string[]): Promise<void>;
  /** What `ip -json ARGS` tells; rows of a shape that the caller knows. */
  json(args: string): Promise<Record<string, unknown>[]>;
  /** Runs any command in it. */
  run(...argv: string[]): Promise<string>;
  /** Names of all devices but lo, sorted. */
  names(): Promise<string[]>;
  /** One device; there being none of that name is an error. */
  device(name: string): Promise<DeviceState>;
  /** All devices but lo by their names. */
  devices(): Promise<Record<string, DeviceState>>;
  /** The device with this MAC, whatever it is called; null where there is none. */
  byMac(mac: string | null): Promise<DeviceState | null>;
}

const rows = v.array(v.record(v.string(), v.unknown()));

/** The network namespace of a process; it is looked up at each use, so it is gone when the process is. */
export function namespaceOf(pid: number): Namespace {
  const path = `/proc/${pid}/ns/net`;
  const run = (argv: readonly string[], input?: string) =>
    mustRun(["nsenter", `--net=${path}`, ...argv], input);
  const json = async (args: string) => {
    const text = await run(["ip", "-json", ...args.split(" ")]);
    return text.trim() === "" ? [] : v.parse(rows, JSON.parse(text));
  };
  const list = async (args: string) =>
    v
      .parse(v.array(ipDevice), await json(`-details addr show${args}`))
      .map(deviceState)
      .filter((device) => device.name !== "lo");
  return {
    path,
    ip: async (...commands) => {
      await run(["ip", "-batch", "-"], `${commands.join("\n")}\n`);
    },
    json,
    run: (...argv) => run(argv),
    names: async () => (await list("")).map((device) => device.name).sort(),
    device: async (name) => {
      const [device] = await list(` dev ${name}`);
      if (device === undefined) throw new Error(`ip told nothing of ${name}`);
      return device;
    },
    devices: async () => Object.fromEntries((await list("")).map((device) => [device.name, device])),
    byMac: async (mac) => (await list("")).find((device) => device.mac === mac) ?? null,
  };
}
