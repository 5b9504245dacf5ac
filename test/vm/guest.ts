import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { type Emulator, emulator } from "./emulator.ts";
import { NICS } from "./hardware.ts";
import { guestImage, type Image } from "./image.ts";
import { makePayload } from "./payload.ts";
import { RESULT, type Result } from "./scenario.ts";

/** A guest under way, and what it tells. */
export interface Guest {
  /** What came of one scenario, as soon as that is known. */
  result(name: string): Promise<Result>;
  /** Ends it, whatever it is doing. */
  kill(): void;
}

/** Longest that a guest may take until its systemd is up: 16 s on an idle machine. Milliseconds. */
const UP_LIMIT = 240_000;
/** Longest that all scenarios together may take. */
const RUN_LIMIT = 1_800_000;
const LOOK_AGAIN = 200;
/** 128 + SIGSEGV: QEMU 7.2 died so before the kernel ran; QEMU 10 was never seen to. */
const CRASHED = 139;

const result = v.object({ name: v.string(), failure: v.nullable(v.string()), milliseconds: v.number() });

const SCRIPT = `export NO_COLOR=1 TEST_PATIENCE=8 NETDEVD=$PWD/netdevd BUN_GC_TIMER_DISABLE=1 VM_ONLY='${process.env.VM_ONLY ?? ""}' VM_SEED=${Number(process.env.VM_SEED ?? 1)} VM_ROUNDS=${Number(process.env.VM_ROUNDS ?? 8)}
exec node_modules/.bin/bun test --timeout 400000 ./test/vm/inside.ts
`;

/** Boots a guest with this checkout in it, which runs all scenarios and ends. */
export function bootGuest(): Guest {
  const results = new Map<string, Result>();
  const waiting = new Map<string, PromiseWithResolvers<Result>>();
  let end: Error | null = null;
  let child: Bun.Subprocess | null = null;
  let folder: string | null = null;

  const tell = (one: Result) => {
    results.set(one.name, one);
    waiting.get(one.name)?.resolve(one);
  };
  const fail = (error: Error) => {
    end = error;
    for (const { reject } of waiting.values()) reject(error);
  };
  const onStart = (started: Bun.Subprocess, at: string) => {
    child = started;
    folder = at;
  };
  void run(onStart, tell).then(fail, fail);

  return {
    async result(name) {
      const known = results.get(name);
      if (known !== undefined) return known;
      if (end !== null) throw end;
      const wait = Promise.withResolvers<Result>();
      waiting.set(name, wait);
      return wait.promise;
    },
    kill() {
      child?.kill("SIGKILL");
      // Nobody waits any more for what is done when it has ended.
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Carries a guest from its image to its end; gives what it ended with, for whoever still waits. */
async function run(
  onStart: (child: Bun.Subprocess, folder: string) => void,
  tell: (result: Result) => void,
): Promise<Error> {
  if (process.arch !== "x64") throw new Error(`the vm tier has no guest for ${process.arch}, only for x64`);
  const machine = emulator();
  const image = await guestImage();
  const folder = mkdtempSync(join(tmpdir(), "netdevd-vm-"));
  try {
    const disk = join(folder, "payload.ext4");
    await makePayload(disk, SCRIPT);
    for (let attempt = 1; ; attempt++) {
      const { code, told, console } = await boot(machine, image, disk, folder, onStart, tell);
      if (code === CRASHED && !isUp(told) && attempt === 1) continue;
      return new Error(`the guest ended (QEMU exited ${code}):\n${tail(console)}\n${tail(told)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function boot(
  machine: Emulator,
  image: Image,
  disk: string,
  folder: string,
  onStart: (child: Bun.Subprocess, folder: string) => void,
  tell: (result: Result) => void,
): Promise<{ code: number; told: string; console: string }> {
  const out = join(folder, "out.log");
  const console = join(folder, "console.log");
  writeFileSync(out, "");
  // The guest must not outlive a test run that is killed.
  const command = [...machine.command, ...argumentsFor(image, disk, out, console)];
  const child = Bun.spawn(["setpriv", "--pdeathsig", "KILL", ...command], {
    env: { ...process.env, ...machine.environment },
    stdin: "ignore",
    stdout: Bun.file(join(folder, "qemu.log")),
    stderr: Bun.file(join(folder, "qemu.log")),
  });
  onStart(child, folder);
  let code: number | null = null;
  void child.exited.then((ended) => {
    code = ended;
  });
  const begun = performance.now();
  let read = 0;
  for (;;) {
    const last = code !== null;
    const told = readFileSync(out, "utf8").replaceAll("\r", "");
    const lines = told.split("\n");
    // The last one may still be half written.
    for (const line of lines.slice(read, -1)) if (line.startsWith(RESULT)) tell(parse(line));
    read = lines.length - 1;
    const end = () => `${readIfThere(join(folder, "qemu.log"))}${readIfThere(console)}`;
    if (last) return { code: code ?? -1, told, console: end() };
    const spent = performance.now() - begun;
    if (spent > RUN_LIMIT || (spent > UP_LIMIT && !isUp(told))) child.kill("SIGKILL");
    await Bun.sleep(LOOK_AGAIN);
  }
}

function argumentsFor({ root, kernel, initrd }: Image, disk: string, out: string, console: string): string[] {
  const nics = NICS.flatMap(({ driver, slot, mac }, at) => [
    // Each on a hub of its own: a link, and nobody at its other end.
    ...["-netdev", `hubport,id=n${at},hubid=${at}`],
    ...["-device", `${DEVICES[driver]},netdev=n${at},mac=${mac},addr=${slot},romfile=`],
  ]);
  return [
    ..."-machine q35,usb=off,i8042=off -accel tcg,thread=multi,tb-size=512 -cpu max -smp 2 -m 1536".split(
      " ",
    ),
    ..."-nodefaults -nographic -no-reboot -nic none -monitor none".split(" "),
    ...nics,
    ...["-kernel", kernel, "-initrd", initrd, "-append", APPEND],
    ...["-drive", `file=${root},format=raw,if=none,id=r,snapshot=on`, "-device", "virtio-blk-pci,drive=r"],
    ...["-drive", `file=${disk},format=raw,if=none,id=p,snapshot=on`, "-device", "virtio-blk-pci,drive=p"],
    ..."-object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng".split(" "),
    ...["-chardev", `file,id=c0,path=${console}`, "-serial", "chardev:c0"],
    ...["-chardev", `file,id=c1,path=${out}`, "-serial", "chardev:c1"],
  ];
}

const DEVICES = { virtio_net: "virtio-net-pci", e1000e: "e1000e", igb: "igb" } as const;

const APPEND = [
  ..."console=ttyS0,115200 quiet loglevel=4 panic=-1 audit=0".split(" "),
  // Without hardware behind it each of these costs seconds.
  ..."mitigations=off tsc=reliable random.trust_cpu=on systemd.show_status=0".split(" "),
].join(" ");

function parse(line: string): Result {
  return v.parse(result, JSON.parse(line.slice(RESULT.length)));
}

function isUp(told: string): boolean {
  return told.includes("GUEST_UP");
}

function tail(text: string): string {
  return text.split("\n").slice(-40).join("\n");
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
