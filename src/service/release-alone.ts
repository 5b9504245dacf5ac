import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { namespacesOf } from "../domain/attachment.ts";
import type { ReleaseEvent } from "../domain/event.ts";
import { indexed } from "../domain/mappings.ts";
import type { Verdict } from "../domain/verdict.ts";
import { createEngine } from "../engine/engine.ts";
import { KernelService } from "../engine/kernel-service.ts";
import { createLinux } from "../engine/linux.ts";
import { localKernel } from "../engine/local-kernel.ts";
import type { Log } from "../engine/log.ts";
import { pinsIn } from "../engine/pins.ts";
import { createRegistry } from "../engine/registry.ts";
import { homeDevices, verdict } from "../engine/verdicts.ts";
import { clock } from "./clock.ts";
import { PINS } from "./folders.ts";
import { openState } from "./open-state.ts";

/**
 * Carries out a release where no daemon runs: takes up what the last one left, brings it home on this thread, and
 * looks at it once more when udev has settled. The state folder's lock has to be held.
 */
export async function releaseAlone(config: Config, event: ReleaseEvent, log: Log): Promise<Verdict> {
  using service = new KernelService(createLinux(), () => undefined, pinsIn(join(config.daemon.state, PINS)));
  const kernel = localKernel(service);
  const state = await openState(config.daemon.state, kernel, log);
  using journal = state.journal;
  const registry = createRegistry(journal, (error) => {
    if (error !== null) log("error", `the journal cannot be written: ${error.message}`, {});
  });
  const mappings = indexed(config.mappings);
  const engine = createEngine({
    kernel,
    registry,
    log,
    ...clock,
    aftercare: state.aftercare,
    mappings: () => mappings,
  });
  const asked = engine
    .attachments()
    .filter((one) => event.id === null || one.holders.some(({ id }) => id === event.id));
  await engine.recover();
  const answer = await engine.handle(event);
  await engine.lookedAfter();
  const left = await state.tidyPins(engine.attachments().flatMap(namespacesOf));
  if (left > 0 && event.id === null && answer.error === null) {
    const message = `namespaces that are held for reasons not on record any more: ${left}; the warnings say how to get devices home from there`;
    return { ...answer, outcome: "failed", error: { code: "stuck", message, device: null } };
  }
  if (answer.outcome !== "unchanged" || asked.length === 0) return answer;
  // Taking up what was left has brought them home already.
  return verdict(event, "returned", {
    mapping: asked[0]?.mapping ?? null,
    devices: asked.flatMap(homeDevices),
  });
}
