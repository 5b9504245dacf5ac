/**
 * Captures the bytes of every file of captures in this folder anew: `bun test/golden/capture.ts [FILE…]`.
 *
 * Needs root, iproute2 and strace. Each capture gets a network namespace of its own, and a second one whose
 * first process is $PEER, so the machine's own devices are neither seen nor touched.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { annotate } from "./annotate.ts";
import { type Capture, readCaptures } from "./captures.ts";

const MESSAGE_TYPES: Readonly<Record<string, number>> = {
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_SETLINK: 19,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  RTM_GETROUTE: 26,
  RTM_NEWNEIGH: 28,
  RTM_GETNEIGH: 30,
  RTM_NEWRULE: 32,
  RTM_GETRULE: 34,
  RTM_NEWQDISC: 36,
  RTM_NEWMDB: 84,
  RTM_GETMDB: 86,
  RTM_NEWNEXTHOP: 104,
  RTM_GETNEXTHOP: 106,
  RTM_NEWLINKPROP: 108,
  RTM_DELLINKPROP: 109,
};

/** A datagram with what strace says of it. */
interface Watched {
  readonly sent: boolean;
  readonly fd: string;
  readonly text: string;
  readonly bytes: Buffer;
}

const SCRIPT = `
unshare -n sleep 60 & export PEER=$!
until [ "$(readlink /proc/$PEER/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.01; done
eval "$SETUP"
strace -f -v -s 65535 -o "$TRACE" -e trace=sendmsg,sendto,recvmsg,recvfrom -e write=all -e read=all bash -c "exec $WATCHED" &
TRACED=$!
if [ -n "$MEANWHILE" ]; then sleep 0.5; eval "$MEANWHILE"; fi
wait $TRACED
kill $PEER
`;

const named = process.argv.slice(2);
const all = readdirSync(import.meta.dir).filter((name) => name.endsWith(".txt"));
for (const file of named.length > 0 ? named : all) rewrite(file);

function rewrite(file: string): void {
  const path = `${import.meta.dir}/${file}`;
  const introduction = readFileSync(path, "utf8")
    .split(/^== /m)[0]
    ?.replace(/^# .* on Linux .*$/m, versions());
  const sections = readCaptures(file).map((one) => render(one, watch(one)));
  writeFileSync(path, `${introduction}${sections.join("\n")}`);
}

function versions(): string {
  const strace = output("strace", "-V")
    .split("\n")[0]
    ?.replace(/.*version /, "strace ");
  return `# ${output("ip", "-V").trim()} on Linux ${output("uname", "-r").trim()}, seen by ${strace}`;
}

function output(...command: string[]): string {
  return Bun.spawnSync(command).stdout.toString();
}

/** Runs a capture's commands and gives the datagrams that it wants. */
function watch(one: Capture): Watched[] {
  const folder = mkdtempSync(`${tmpdir()}/netdevd-capture-`);
  const trace = `${folder}/trace`;
  const env = {
    ...process.env,
    SETUP: one.setup.join("\n"),
    WATCHED: one.command,
    MEANWHILE: one.meanwhile ?? "",
    TRACE: trace,
  };
  Bun.spawnSync(["unshare", "-n", "bash", "-c", SCRIPT], { env, stdout: "ignore", stderr: "ignore" });
  const all = readTrace(readFileSync(trace, "utf8"));
  rmSync(folder, { recursive: true });
  const wanted = pick(all, one.take);
  if (wanted.length === 0) throw new Error(`${one.name}: ${one.command} has no ${one.take}`);
  return wanted;
}

function pick(all: readonly Watched[], take: string): Watched[] {
  const [what, type = ""] = take.split(" ");
  const is = (one: Watched) => one.bytes.readUInt16LE(4) === MESSAGE_TYPES[type];
  if (what === "event") return all.filter((one) => !one.sent && is(one)).slice(0, 1);
  // Sequence number 0 is how ip asks whether the kernel has extended acks.
  const at = all.findIndex((one) => one.sent && is(one) && sequenceOf(one) !== 0);
  const request = all[at];
  if (request === undefined || what === "request") return all.slice(at, at + 1);
  const after = all.slice(at + 1).filter((one) => one.fd === request.fd);
  const next = after.findIndex((one) => one.sent);
  return next < 0 ? after : after.slice(0, next);
}

function sequenceOf(one: Watched): number {
  return one.bytes.readUInt32LE(8);
}

function readTrace(trace: string): Watched[] {
  return trace.split(/^(?:\d+ +)?(?=(?:send|recv)[a-z]+\()/m).flatMap((call) => {
    const bytes = [...call.matchAll(/^ \| [0-9a-f]+ {2}([0-9a-f ]{48})/gm)].map(([, hex]) => hex).join("");
    if (bytes === "" || call.includes("MSG_PEEK")) return [];
    const text = call.split("\n")[0] ?? "";
    const fd = text.slice(text.indexOf("(") + 1, text.indexOf(","));
    return [
      { sent: text.startsWith("send"), fd, text, bytes: Buffer.from(bytes.replaceAll(" ", ""), "hex") },
    ];
  });
}

function render(one: Capture, datagrams: readonly Watched[]): string {
  const lines = [`== ${one.name}`];
  for (const command of one.setup) lines.push(`setup: ${command}`);
  lines.push(`command: ${one.command}`);
  if (one.meanwhile !== null) lines.push(`meanwhile: ${one.meanwhile}`);
  lines.push(`take: ${one.take}`);
  for (const { bytes, text } of datagrams) lines.push(`-- ${bytes.length} bytes`, ...annotate(bytes, text));
  return `${lines.join("\n")}\n`;
}
