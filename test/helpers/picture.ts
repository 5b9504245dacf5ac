import { expect } from "bun:test";
import * as v from "valibot";
import type { Namespace } from "./namespace.ts";

/**
 * All that a failed or refused attach has to leave as it was: devices with addresses, routes of all tables,
 * rules. Two of them are equal exactly if nothing was changed, or all of it was undone.
 */
export async function pictureOf(netns: Namespace): Promise<unknown> {
  const end = performance.now() + 1000;
  while (!(await isSettled(netns)) && performance.now() < end) await Bun.sleep(20);
  const routes = async (family: string) =>
    (await netns.json(`${family} route show table all`))
      .map((route) => JSON.stringify(route))
      .filter(isMade)
      .sort();
  return {
    devices: await netns.devices(),
    ipv4: await routes("-4"),
    ipv6: await routes("-6"),
    rules: [await netns.json("-4 rule"), await netns.json("-6 rule")],
  };
}

const addressed = v.array(
  v.object({
    ifname: v.string(),
    flags: v.array(v.string()),
    addr_info: v.array(v.object({ local: v.string(), tentative: v.optional(v.boolean(), false) })),
  }),
);

/** Whether each proven IPv6 address has the route to itself, which the kernel makes from a workqueue. */
export async function isSettled(netns: Namespace): Promise<boolean> {
  const local = await netns.json("-6 route show table local");
  const made = new Set(local.map(({ dst, dev }) => `${dst} ${dev}`));
  const devices = v.parse(addressed, await netns.json("-6 addr show"));
  return devices
    .filter(({ flags }) => flags.includes("UP"))
    .every(({ ifname, addr_info }) =>
      addr_info.every(({ local: own, tentative }) => tentative || made.has(`${own} ${ifname}`)),
    );
}

/** Not one of the routes that come and go with a device's own link-local address (fe80::, ff00::). */
function isMade(route: string): boolean {
  return !/"dst":"(fe80|ff00):/.test(route);
}

/**
 * Fails where a namespace is not as `before` tells, once what the kernel does by and by has been done: routes to
 * its own IPv6 addresses it makes from a workqueue.
 */
export async function expectPicture(netns: Namespace, before: unknown): Promise<void> {
  const end = performance.now() + 2000;
  while (!Bun.deepEquals(await pictureOf(netns), before) && performance.now() < end) await Bun.sleep(20);
  expect(await pictureOf(netns)).toEqual(before);
}
