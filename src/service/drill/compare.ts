import { addressText } from "../../domain/address.ts";
import { groupText } from "../../domain/multicast-group.ts";
import { neighbourText } from "../../domain/neighbour.ts";
import { nexthopText } from "../../domain/nexthop-object.ts";
import { differences } from "../../domain/plan.ts";
import { ruleText } from "../../domain/policy-rule.ts";
import { vlansText } from "../../domain/port.ts";
import { qdiscText } from "../../domain/qdisc.ts";
import { isKernelMade } from "../../domain/restorable.ts";
import { routeText } from "../../domain/route.ts";
import { routesMissing, withoutKernelRoutes } from "../../domain/routes.ts";
import type { Snapshot } from "../../domain/snapshot.ts";
import { multicastText } from "../../domain/static-multicast.ts";
import { flagsText } from "../../domain/step.ts";

/** `back`: as it was; `anew`: the kernel makes it by itself, now or when it has reason to; `lost`: neither. */
export type Fate = "back" | "anew" | "lost";

/** One thing that a device had before it left, and what became of it. */
export interface Thing {
  /** What it is and was: `mtu 1500`, `address 192.0.2.1/24`. */
  readonly thing: string;
  readonly fate: Fate;
  /** What is otherwise; null where nothing is. */
  readonly told: string | null;
}

/**
 * Everything that a device had, in one order, and what became of it.
 *
 * What counts as the same is what counts as the same on the way home: each thing is asked for by itself. Whatever is
 * asked of the device as a whole and of no thing here is told at the end, so that nothing is passed over.
 */
export function compare(before: Snapshot, after: Snapshot): Thing[] {
  const kept = withoutKernelRoutes(before);
  const wanting = (part: Partial<Snapshot>) =>
    differences(after, { ...after, takenAt: before.takenAt, ...barren, ...part });
  const thing = (text: string, part: Partial<Snapshot>): Thing => {
    const [told, ...more] = wanting(part);
    return told === undefined
      ? { thing: text, fate: "back", told: null }
      : { thing: text, fate: "lost", told: [told, ...more].join("; ") };
  };
  const of = (text: string, fields: Partial<Snapshot["device"]>) =>
    thing(text, { device: { ...after.device, ...fields } });
  /** Of lists, which may be long: asked for at once. */
  const each = (texts: readonly string[], part: Partial<Snapshot>): Thing[] => {
    const told = new Map(wanting(part).map((text) => [text.split(" is not ")[0], text]));
    return texts.map((text) => {
      const lost = told.get(text) ?? null;
      return { thing: text, fate: lost === null ? "back" : "lost", told: lost };
    });
  };
  const things = [...ownFacts(before, after, of), ...portFacts(before, thing)];
  const made = before.addresses.filter((address) => isKernelMade(address, before.device));
  const addresses = before.addresses.filter((address) => !made.includes(address));
  things.push(
    ...each(
      addresses.map((address) => `address ${addressText(address)}`),
      { addresses },
    ),
  );
  for (const { local, ...rest } of made) {
    const isThere = after.addresses.some((address) => address.local === local);
    things.push(anew(`address ${addressText({ local, ...rest })}`, isThere));
  }
  const { routes } = kept;
  things.push(
    ...each(
      routes.map((route) => `route ${routeText(route)}`),
      { routes },
    ),
  );
  const stays = new Set(routes);
  const madeRoutes = before.routes.filter((route) => !stays.has(route));
  const yet = new Set(routesMissing(after.routes, madeRoutes));
  things.push(...madeRoutes.map((route) => anew(`route ${routeText(route)}`, !yet.has(route))));
  const { neighbours } = before;
  things.push(...each(neighbours.map(neighbourText), { neighbours }));
  for (const nexthop of before.nexthops ?? []) {
    things.push(thing(nexthopText(nexthop), { nexthops: [nexthop] }));
  }
  const { rules = [], multicasts = [], token, qdisc, ingress } = before;
  things.push(...each(rules.map(ruleText), { rules }));
  things.push(...each(multicasts.map(multicastText), { multicasts }));
  if (token !== undefined) things.push(thing(`token ${token}`, { token }));
  if (qdisc !== null) things.push(thing(`qdisc ${qdiscText(qdisc)}`, { qdisc }));
  if (ingress !== null) things.push(thing(`ingress qdisc ${ingress}`, { ingress }));
  const settings = Object.entries(before.sysctls);
  const changed = settings
    .map(([name, value]) => thing(`sysctl ${name} = ${value}`, { sysctls: { [name]: value } }))
    .filter(({ fate }) => fate !== "back");
  const rest = settings.length - changed.length;
  if (rest > 0) things.push({ thing: `sysctls: ${rest} of them`, fate: "back", told: null });
  things.push(...changed);
  const { daemonRoutes = 0 } = before;
  if (daemonRoutes > 0) {
    const left = `${daemonRoutes} routes of routing daemons`;
    things.push({ thing: left, fate: "lost", told: "they are their daemon's to set again" });
  }
  return [...things, ...unaccounted(things, differences(after, kept))];
}

/** No thing but the device itself: each is asked for alone. */
const barren = {
  addresses: [],
  routes: [],
  neighbours: [],
  nexthops: [],
  rules: [],
  multicasts: [],
  qdisc: null,
  ingress: null,
  sysctls: {},
} as const satisfies Partial<Snapshot>;

type Ask<Part> = (text: string, part: Part) => Thing;

/** What no step of a plan is about: the number, and whether there is a carrier. */
function fact(what: string, was: number | string, is: number | string): Thing {
  const same = was === is;
  const told = same ? null : `${what} is ${is}, not ${was}`;
  return { thing: `${what} ${was}`, fate: same ? "back" : "lost", told };
}

function anew(text: string, isThere: boolean): Thing {
  return { thing: text, fate: "anew", told: isThere ? null : "not there yet" };
}

function ownFacts(
  { device: was }: Snapshot,
  { device: is }: Snapshot,
  of: Ask<Partial<Snapshot["device"]>>,
): Thing[] {
  const { name, altnames, alias, mac, mtu, txqueuelen, group, flags, up } = was;
  return [
    of(`name ${name}`, { name }),
    fact("number", was.ifindex, is.ifindex),
    of(`altnames ${altnames.join(" ") || "none"}`, { altnames }),
    of(`alias ${alias ?? "none"}`, { alias }),
    of(`mac ${mac ?? "none"}`, { mac }),
    of(`mtu ${mtu}`, { mtu }),
    of(`txqueuelen ${txqueuelen}`, { txqueuelen }),
    of(`group ${group}`, { group }),
    of(`flags ${flagsText(flags ?? 0) || "none"}`, { flags }),
    of(up ? "up" : "down", { up }),
    ...(was.operstate === "up" ? [fact("carrier", "up", is.operstate)] : []),
    ...(was.master === null ? [] : [of(`master ${was.master} (${was.slaveKind})`, { master: was.master })]),
  ];
}

function portFacts({ port }: Snapshot, thing: Ask<Partial<Snapshot>>): Thing[] {
  if (port === null) return [];
  // What there is of it now stands for all but the one thing that is asked for.
  const is = { ...port, settings: {}, vlans: null, groups: [], mac: null };
  const things = [
    ...Object.entries(port.settings).map(([name, value]) =>
      thing(`port setting ${name} ${value}`, { port: { ...is, settings: { [name]: value } } }),
    ),
    ...(port.groups ?? []).map((group) => thing(groupText(group), { port: { ...is, groups: [group] } })),
  ];
  if (port.vlans !== null) {
    things.push(thing(`VLANs ${vlansText(port.vlans)}`, { port: { ...is, vlans: port.vlans } }));
  }
  if (port.mac !== undefined && port.mac !== null) {
    things.push(thing(`own mac ${port.mac}`, { port: { ...is, mac: port.mac } }));
  }
  return things;
}

/** What of the whole no single thing has told: the order of addresses, say. */
function unaccounted(things: readonly Thing[], told: readonly string[]): Thing[] {
  const known = new Set(things.flatMap((one) => one.told?.split("; ") ?? []));
  return told
    .filter((text) => !known.has(text) && !text.split("; ").every((part) => known.has(part)))
    .map((text) => ({ thing: "all else", fate: "lost", told: text }));
}
