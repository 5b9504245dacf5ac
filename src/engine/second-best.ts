import { withFreeNames } from "../domain/clash.ts";
import type { Device } from "../domain/device.ts";
import type { Goal, Located } from "../domain/plan.ts";
import type { Context } from "./context.ts";
import type { StepFailure } from "./executor.ts";

/** The last ifindex that there can be. */
const INT_MAX = 0x7fffffff;

/**
 * What can be reached of `goal` where the own name, an altname or the ifindex has been taken meanwhile. Drivers say EBUSY
 * as well, for reasons of their own.
 */
export async function secondBest(
  context: Context,
  failure: StepFailure | null,
  located: Located,
  goal: Goal,
): Promise<Goal> {
  if (failure?.errno !== "EBUSY" && failure?.errno !== "EEXIST") return goal;
  const others = await othersAtHome(context, located);
  const isTaken = failure.errno === "EBUSY" && others.some(({ ifindex }) => ifindex === goal.ifindex);
  // Whoever has the ifindex may have come by the name as well, and the kernel looks at the ifindex first.
  return withNamesFreeOf(others, isTaken ? { ...goal, ifindex: nobodys(context, others) } : goal);
}

/** An ifindex that is free at home, and is not to be had by one of ours that is still to come there. */
function nobodys({ registry }: Context, others: readonly Device[]): number | null {
  const away = registry.all().flatMap(({ devices }) => devices.map(({ snapshot }) => snapshot.device));
  const next = Math.max(...[...others, ...away].map(({ ifindex }) => ifindex)) + 1;
  return next > INT_MAX ? null : next;
}

/** `goal` as far as its names are nobody else's at home. */
export async function withNamesThatAreFree(context: Context, located: Located, goal: Goal): Promise<Goal> {
  return withNamesFreeOf(await othersAtHome(context, located), goal);
}

async function othersAtHome(context: Context, { place, snapshot }: Located): Promise<Device[]> {
  const own = place === "home" ? snapshot.device.ifindex : null;
  return (await context.kernel.devices()).filter(({ ifindex }) => ifindex !== own);
}

function withNamesFreeOf(others: readonly Device[], goal: Goal): Goal {
  return { ...goal, snapshot: withFreeNames(goal.snapshot, others) };
}
