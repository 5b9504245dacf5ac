import type { AttachPlan, Pick } from "./attach-plan.ts";
import type { Mapping } from "./mapping.ts";
import { selectorText } from "./match.ts";
import type { Code, Problem } from "./verdict.ts";

/** What a device that comes or comes free may mend; clashes of names it does not. */
const SHORTAGES: readonly Code[] = ["device-missing", "device-held", "too-few-devices"];

/**
 * What is lacking that time may bring, as the problem for which the container would be refused now; null where
 * nothing is, or where the first that is lacking is guarded: no guard goes away by waiting. Nobody waits for what a
 * bundle asks for.
 *
 * @param plan what `planAttach` made of the same
 */
export function lackingYet(mapping: Mapping, picks: readonly Pick[], plan: AttachPlan): Problem | null {
  if (!plan.ok && !SHORTAGES.includes(plan.conflict.code)) return null;
  const short = picks.filter((pick) => shortageOf(pick, picks) !== null);
  if (short.some(({ request }) => request.netDevice !== undefined)) return null;
  for (const pick of short) {
    const guarded = pick.passedOver.filter(({ problem }) => problem.code === "device-guarded");
    const mayCome = pick.passedOver.length === 0 || guarded.length < pick.passedOver.length;
    if (mayCome) return shortageOf(pick, picks);
    if (mapping.required) return null;
  }
  return null;
}

/**
 * Why a request has fewer devices than it asks for; null where it has them.
 *
 * @param picks all of the container, this one among them
 */
export function shortageOf(pick: Pick, picks: readonly Pick[]): Problem | null {
  const { request, chosen, passedOver } = pick;
  const wanted = request.count === "all" ? 1 : request.count;
  const isThere = pick.moved !== undefined || pick.namesake !== undefined;
  if (chosen.length >= wanted || isThere || isGivenByMapping(pick, picks)) return null;
  const [first] = passedOver;
  const what = selectorText(request.match);
  if (wanted === 1 && first !== undefined && passedOver.length === 1) return first.problem;
  if (wanted === 1 && first === undefined) {
    const message = `no device of the host has ${what}; \`ip link\` lists those there are`;
    return { code: "device-missing", message, device: request.netDevice ?? null };
  }
  const reasons = passedOver.map(({ problem }) => problem.message).join("; ");
  const found = `${chosen.length} of ${wanted} devices with ${what} are to be had`;
  return {
    code: "too-few-devices",
    message: reasons === "" ? `${found}: the host has no more` : `${found}: ${reasons}`,
    device: null,
  };
}

/** Whether a device that a bundle asks for is one that the container gets by its mapping, which decides then. */
function isGivenByMapping({ request }: Pick, picks: readonly Pick[]): boolean {
  const { netDevice } = request;
  if (netDevice === undefined) return false;
  const byMapping = picks.filter((other) => other.request.netDevice === undefined);
  return byMapping.some(({ chosen }) => chosen.some(({ device }) => device.name === netDevice));
}
