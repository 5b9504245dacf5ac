/**
 * Attaches the devices of one container to it, as the daemon does and in the namespace that it is started in,
 * while somebody else acts at the worst of times: `bun attach-with-obstacle.child.ts JSON`, a {@link Scene}.
 * Tells the verdict as one line of JSON.
 */

import { bootTime } from "../../ffi/process.ts";
import type { Mapping } from "../../src/domain/mapping.ts";
import { indexed } from "../../src/domain/mappings.ts";
import type { Verdict } from "../../src/domain/verdict.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { Kernel } from "../../src/engine/kernel.ts";
import { KernelService } from "../../src/engine/kernel-service.ts";
import { createLinux } from "../../src/engine/linux.ts";
import { localKernel } from "../../src/engine/local-kernel.ts";
import { createRegistry } from "../../src/engine/registry.ts";
import { memoryJournal } from "../sim/model/memory-journal.ts";

export interface Scene {
  readonly pid: number;
  readonly mapping: Mapping;
  /** When all has been looked at and this device is the next to be moved inside, … */
  readonly before: string;
  /** … these are run, one after another. */
  readonly commands: readonly (readonly string[])[];
}

const scene: Scene = JSON.parse(process.argv[2] ?? "");
const news: Promise<void>[] = [];
using service = new KernelService(createLinux(), (told) => {
  if (told.type === "exit") news.push(engine.exited(told.watch));
});
const mappings = indexed([scene.mapping]);
const engine = createEngine({
  kernel: obstructed(localKernel(service)),
  registry: createRegistry(memoryJournal(new Map()), () => undefined),
  log: () => undefined,
  now: () => Date.now(),
  uptime: bootTime,
  alarm: () => () => undefined,
  sleep: (milliseconds) => Bun.sleep(milliseconds),
  mappings: () => mappings,
});
const verdict: Verdict = await engine.handle({
  type: "container",
  name: "event.json",
  id: "c1",
  status: "creating",
  target: { by: "pid", pid: scene.pid },
  bundle: null,
  annotations: {},
  writtenAt: Date.now(),
});
await engine.idle();
await Promise.all(news);
console.log(JSON.stringify(verdict));

function obstructed(kernel: Kernel): Kernel {
  let isDone = false;
  return {
    ...kernel,
    async apply(...args) {
      const [, from] = args;
      if (!isDone && from.place === "home" && from.snapshot.device.name === scene.before) {
        isDone = true;
        // In a turn of its own, as all that the kernel's side does.
        await Bun.sleep(0);
        for (const command of scene.commands) {
          const { exitCode, stderr } = Bun.spawnSync([...command]);
          if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
        }
        // Not waited for: what follows an end waits for this attach.
        service.reap();
      }
      return kernel.apply(...args);
    },
  };
}
