import { join } from "node:path";
import type { Mapping } from "../domain/mapping.ts";
import { indexed } from "../domain/mappings.ts";
import { createEngine, type Engine } from "../engine/engine.ts";
import { KernelService } from "../engine/kernel-service.ts";
import { createLinux } from "../engine/linux.ts";
import { localKernel } from "../engine/local-kernel.ts";
import type { Log } from "../engine/log.ts";
import { pinsIn } from "../engine/pins.ts";
import { createRegistry } from "../engine/registry.ts";
import { clock } from "./clock.ts";
import { PINS } from "./folders.ts";
import { openState, type State } from "./open-state.ts";

/** An engine without a daemon around it. */
export interface EngineAlone extends Disposable {
  readonly engine: Engine;
  readonly state: State;
}

/** An engine on the calling thread, over a state folder whose lock has to be held. It has not recovered anything yet. */
export async function engineAlone(
  folder: string,
  mappings: readonly Mapping[],
  log: Log,
): Promise<EngineAlone> {
  const service = new KernelService(createLinux(), () => undefined, pinsIn(join(folder, PINS)));
  try {
    const kernel = localKernel(service);
    const state = await openState(folder, kernel, log);
    const registry = createRegistry(state.journal, (error) => {
      if (error !== null) log("error", `the journal cannot be written: ${error.message}`, {});
    });
    const inForce = indexed(mappings);
    const parts = { kernel, registry, log, ...clock, aftercare: state.aftercare, mappings: () => inForce };
    return {
      engine: createEngine(parts),
      state,
      [Symbol.dispose]() {
        state.journal[Symbol.dispose]();
        service[Symbol.dispose]();
      },
    };
  } catch (error) {
    service[Symbol.dispose]();
    throw error;
  }
}
