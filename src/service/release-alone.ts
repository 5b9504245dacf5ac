import type { Config } from "../config/config.ts";
import { namespacesOf } from "../domain/attachment.ts";
import type { ReleaseEvent } from "../domain/event.ts";
import type { Verdict } from "../domain/verdict.ts";
import type { Log } from "../engine/log.ts";
import { homeDevices, verdict } from "../engine/verdicts.ts";
import { engineAlone } from "./engine-alone.ts";

/** What {@link releaseAlone} has to know of a config. */
export type ReleaseConfig = Pick<Config, "mappings"> & {
  readonly daemon: Pick<Config["daemon"], "state">;
};

/**
 * Carries out a release where no daemon runs: takes up what the last one left, brings it home on this thread, and
 * looks at it once more when udev has settled. The state folder's lock has to be held.
 */
export async function releaseAlone(config: ReleaseConfig, event: ReleaseEvent, log: Log): Promise<Verdict> {
  using alone = await engineAlone(config.daemon.state, config.mappings, log);
  const { engine, state } = alone;
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
