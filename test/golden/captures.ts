import { readFileSync } from "node:fs";

/** Netlink datagrams that a real program sent or was sent, and how to see them again. */
export interface Capture {
  readonly name: string;
  /** Commands that made the namespace what it was. */
  readonly setup: readonly string[];
  /** The command that was watched. */
  readonly command: string;
  /** What another process did while `command` ran; null: nothing. */
  readonly meanwhile: string | null;
  /** Which of its datagrams: `request RTM_NEWLINK`, `reply RTM_GETLINK` or `event RTM_DELLINK`. */
  readonly take: string;
  readonly datagrams: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Reads one of the files of captures beside this module:
 *
 *     # which program, kernel and strace
 *     == name of the capture
 *     setup: a command, any number of times
 *     command: the command that was watched
 *     meanwhile: a command run at the same time
 *     take: which of its datagrams
 *     -- a datagram of so many bytes
 *     08 00 04 00 78 05 00 00  {nla_len=8, nla_type=IFLA_MTU}, 1400
 *
 * `00*12` is twelve bytes of 00. What stands behind two blanks is what strace read there.
 */
export function readCaptures(file: string): readonly Capture[] {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  return text
    .split(/^== /m)
    .slice(1)
    .map((section) => readCapture(section));
}

/** One capture of `file` by its name. */
export function capture(file: string, name: string): Capture {
  const found = readCaptures(file).find((one) => one.name === name);
  if (found === undefined) throw new Error(`${file} holds no capture ${JSON.stringify(name)}`);
  return found;
}

/** The only datagram of a capture. */
export function datagram(file: string, name: string): Uint8Array<ArrayBuffer> {
  const [only, ...more] = capture(file, name).datagrams;
  if (only === undefined || more.length > 0) throw new Error(`${name} of ${file} is not one datagram`);
  return only;
}

function readCapture(section: string): Capture {
  const [head = "", ...datagrams] = section.split(/^-- /m);
  const [name = "", ...lines] = head.split("\n");
  const all = (key: string) =>
    lines.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
  const [command = "", take = ""] = [...all("command"), ...all("take")];
  return {
    name,
    setup: all("setup"),
    command,
    meanwhile: all("meanwhile")[0] ?? null,
    take,
    datagrams: datagrams.map(readDatagram),
  };
}

function readDatagram(text: string): Uint8Array<ArrayBuffer> {
  const [size = "", ...lines] = text.split("\n");
  const tokens = lines.flatMap((line) => line.split("  ")[0]?.split(" ") ?? []);
  const bytes = tokens
    .filter((token) => token !== "")
    .flatMap((token) => {
      const [byte = "", times = "1"] = token.split("*");
      if (!/^[0-9a-f]{2}$/.test(byte)) throw new Error(`${JSON.stringify(token)} is no byte`);
      return new Array<number>(Number(times)).fill(Number.parseInt(byte, 16));
    });
  if (size !== `${bytes.length} bytes`) throw new Error(`a datagram of "${size}" has ${bytes.length}`);
  return Uint8Array.from(bytes);
}
