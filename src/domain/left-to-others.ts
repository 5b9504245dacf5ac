import { nexthopsMissing, nexthopText } from "./nexthop-object.ts";
import { rulesMissing, ruleText } from "./policy-rule.ts";
import { vlanOptionsMissing, vlanOptionsText } from "./port.ts";
import { isRestorableQdisc, isSameQdisc, qdiscText } from "./qdisc.ts";
import type { Snapshot } from "./snapshot.ts";
import { multicastsMissing, multicastText } from "./static-multicast.ts";

const BY_OTHERS = "to be made again by whoever made it";

/** Of what others made, and netdevd may not be able to put back, all that `now` has not, each told to a person. */
export function leftToOthers(now: Snapshot, wanted: Snapshot): string[] {
  const found = nexthopsMissing(now, wanted).map(
    (nexthop) => `${nexthopText(nexthop)} is not there: it is ${BY_OTHERS}`,
  );
  for (const address of multicastsMissing(now, wanted)) {
    found.push(`${multicastText(address)} is not there: it is ${BY_OTHERS}`);
  }
  for (const vlan of vlanOptionsMissing(now.port, wanted.port)) {
    found.push(`${vlanOptionsText(vlan)} are not there: they are ${BY_OTHERS}`);
  }
  for (const rule of rulesMissing(now, wanted)) {
    found.push(`${ruleText(rule)} is not there any more, or detached: it is ${BY_OTHERS}`);
  }
  const anew = `what hangs on it (classes, filters) is ${BY_OTHERS}`;
  if (wanted.qdisc !== null && !isSameQdisc(now.qdisc, wanted.qdisc)) {
    const why = isRestorableQdisc(wanted.qdisc) ? "" : `: ${anew}`;
    found.push(`qdisc ${qdiscText(wanted.qdisc)} is not there${why}`);
  }
  if (wanted.ingress !== null && now.ingress !== wanted.ingress) {
    found.push(`ingress qdisc ${wanted.ingress} is not there: ${anew}`);
  }
  return found;
}
