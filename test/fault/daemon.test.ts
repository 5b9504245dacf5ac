import { afterAll, expect } from "bun:test";
import { join } from "node:path";
import type { DeviceState } from "../helpers/device-state.ts";
import { furnish, makeDevice } from "../helpers/devices.ts";
import { Lab } from "../helpers/lab.ts";
import { test } from "../helpers/live-test.ts";
import { mappingFor } from "../helpers/mapping.ts";
import { pictureOf } from "../helpers/picture.ts";
import { isDying } from "../helpers/proc.ts";
import type { Process } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";
import type { Verdict } from "../helpers/verdict.ts";
import { sliceOf } from "./slice.ts";
import { EFFECTS, ERRORS, trace } from "./strace.ts";

// The program itself, as it is shipped, under strace: SIGKILL in front of its Nth call of each system call by which
// it acts, in an attach and in a return, and the same calls failing. The next start, or the daemon itself, makes it
// wholly as it was or wholly as it was wanted, and says which.

const MAPPING = mappingFor(
  "c*",
  'match = { name = "d0" }\nname = "eth1"',
  'match = { name = "d1" }\nname = "eth2"\nmac = "02:00:00:00:00:aa"',
  'match = { name = "d2" }',
);

/** Something is wrong by a fault that has come: the daemon tries again every few seconds. */
const MENDED_WITHIN = { within: 15_000 };
/** What is stuck is tried again when something changes at home, which need not be waited for. */
const POKE = ["link add poke type ifb", "link del poke"];
const LOOKS_A_POKE = 20;
/** More than all that one case may wait for: each wait is to end with words of its own. */
const PATIENCE_MS = 120_000;

interface Case {
  readonly phase: "attach" | "return";
  /** In the words of strace(1). */
  readonly injection: string;
  /** Whether the container ends while no daemon runs. */
  readonly bereft: boolean;
}

/** A host and a daemon on it. */
interface Setting {
  readonly lab: Lab;
  /** What there is to see on the host when all devices are home, and in a container that has them. */
  readonly before: unknown;
  readonly inside: unknown;
  /** What one attach and one return take. */
  readonly counts: Readonly<Record<Case["phase"], ReadonlyMap<string, number>>>;
}

async function setUp(): Promise<Setting> {
  const lab = await Lab.create();
  await lab.host.ip(
    ...makeDevice("veth", "d0"),
    ...furnish("d0"),
    ...makeDevice("macvlan", "d1"),
    "link set d1 up",
    "addr add 192.0.2.65/26 dev d1",
    ...makeDevice("tap", "d2"),
    "addr add 203.0.113.9/24 dev d2",
  );
  const before = await pictureOf(lab.host);
  await lab.start(MAPPING);
  return { lab, before, ...(await rehearse(lab)) };
}

let setting = await setUp();
afterAll(() => setting.lab[Symbol.asyncDispose]());
let played = 0;

async function rehearse(lab: Lab) {
  const container = await lab.container();
  const attaching = await trace(lab.daemon.pid, join(lab.folder, "attach.strace"), null);
  expect((await lab.attach("c0", container)).outcome).toBe("attached");
  await attaching[Symbol.asyncDispose]();
  const devices = await devicesIn(container);
  const returning = await trace(lab.daemon.pid, join(lab.folder, "return.strace"), null);
  await container.kill();
  await lab.daemon.empty();
  await returning[Symbol.asyncDispose]();
  return { inside: devices, counts: { attach: attaching.counts(), return: returning.counts() } };
}

const all = (["attach", "return"] as const).flatMap((phase) => [
  ...EFFECTS.flatMap((call) =>
    upTo(setting.counts[phase].get(call)).map(
      (when): Case => ({ phase, injection: `${call}:signal=KILL:when=${when}`, bereft: when % 2 === 0 }),
    ),
  ),
  ...Object.entries(ERRORS).flatMap(([call, errors]) =>
    upTo(setting.counts[phase].get(call)).flatMap((when) =>
      errors.map(
        (error): Case => ({ phase, injection: `${call}:error=${error}:when=${when}`, bereft: false }),
      ),
    ),
  ),
]);
const cases = sliceOf(all, 0.4);
console.log(`faults in the program by strace: ${cases.length} of ${all.length}`);
expect(all.length).toBeGreaterThan(100);

for (const one of cases)
  test(`${one.phase}: ${one.injection}${one.bereft ? ", bereft" : ""}`, () => playAlone(one), PATIENCE_MS);

/** What one case has spoilt is not the next one's. */
async function playAlone(one: Case): Promise<void> {
  try {
    await play(setting, one);
  } catch (error) {
    await setting.lab[Symbol.asyncDispose]().catch((left: unknown) => console.error(`${left}`));
    setting = await setUp();
    throw error;
  }
}

async function play({ lab, before, inside }: Setting, one: Case): Promise<void> {
  const id = `c${++played}`;
  const container = await lab.container();
  if (one.phase === "return") expect((await lab.attach(id, container)).outcome).toBe("attached");
  const tracer = await trace(lab.daemon.pid, join(lab.folder, "case.strace"), one.injection);
  const event =
    one.phase === "attach"
      ? lab.drop({ id, status: "creating", pid: container.pid })
      : lab.drop({ id, status: "stopped" });
  let verdict: Verdict | null = null;
  const answered = () => {
    verdict = lab.verdictNow(event);
    return verdict !== null || !lab.daemon.running();
  };
  // One that could not be written is written a while later.
  await until("a verdict, or the death of the daemon", answered, MENDED_WITHIN);
  // Dead, it may die a moment behind its verdict.
  await Bun.sleep(20);
  await tracer[Symbol.asyncDispose]();
  const { daemon } = lab;
  if (isDying(daemon.pid)) await until("the end of the daemon", () => !daemon.running());
  if (!daemon.running()) {
    if (one.bereft) await container.kill();
    await lab.start();
    verdict = await lab.verdict(event);
  }
  let looks = 0;
  await until(
    "all to be as before or as wanted",
    async () => {
      looks += 1;
      if (looks % LOOKS_A_POKE === 0) await lab.host.ip(...POKE);
      const { containers } = await lab.daemon.status();
      if (containers.length === 0) return Bun.deepEquals(await pictureOf(lab.host), before);
      if (containers[0]?.state !== "attached") return false;
      return Bun.deepEquals(await devicesIn(container), inside);
    },
    {
      ...MENDED_WITHIN,
      detail: async () => `${JSON.stringify([verdict, await lab.daemon.status()])}\n${lab.daemon.log()}`,
    },
  );
  await container.kill();
  await lab.daemon.empty();
  await until(
    "all to be as before",
    async () => Bun.deepEquals(await pictureOf(lab.host), before),
    MENDED_WITHIN,
  );
  // Here and not at the end: whose namespace it is that is held on is to be seen.
  await lab.letGo(MENDED_WITHIN.within);
}

async function devicesIn(container: Process): Promise<Record<string, DeviceState>> {
  const { witness: _, ...devices } = await container.netns.devices();
  return devices;
}

function upTo(count = 0): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}
