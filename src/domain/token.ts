import { acceptsRouters } from "./routes.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Step } from "./step.ts";

/**
 * The steps that give a device its IPv6 interface identifier (ip-token(8)), before or after its settings: the kernel
 * takes one for a device that listens to routers alone (inet6_set_iftoken()), and it stays when that ends. Both before
 * the device is up, for of the first advertisement that it hears it makes an address.
 */
export function tokenSteps(now: Snapshot, { token, sysctls }: Snapshot, moves: boolean) {
  const steps: Step[] =
    token !== undefined && (moves || now.token !== token) ? [{ type: "set-token", token }] : [];
  const listens = acceptsRouters(sysctls);
  return { before: listens ? [] : steps, after: listens ? steps : [] };
}
