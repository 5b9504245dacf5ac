import { type Address, IFA_F_NODAD } from "../domain/address.ts";
import { type Step, stepText } from "../domain/step.ts";
import { addAddress, deleteAddress } from "../netlink/address.ts";
import type { Connection, Request } from "../netlink/connection.ts";
import { setToken } from "../netlink/devconf.ts";
import { addAltname, changeLink, deleteAltname } from "../netlink/link.ts";
import { addGroup } from "../netlink/multicast-group.ts";
import { addNeighbour } from "../netlink/neighbour.ts";
import { NetlinkError } from "../netlink/netlink-error.ts";
import { changePort } from "../netlink/port.ts";
import { setQdisc } from "../netlink/qdisc.ts";
import { addRoute, deleteRoute } from "../netlink/route-entry.ts";
import { arrived, connectionOf, type Ends, movedAllTheSame, type Subject } from "./arrival.ts";
import { setSysctls, setVlans } from "./lone-steps.ts";
import { changeWhileDown } from "./while-down.ts";

/** A step that the kernel refused, or after which the device could not be found. */
export interface StepFailure {
  readonly step: string;
  /** "EEXIST", …; null where no request was refused. */
  readonly errno: string | null;
  readonly message: string;
}

/** How far the steps came. After a failure the device may be in either namespace: look. */
export interface Execution {
  readonly failure: StepFailure | null;
  readonly subject: Subject;
}

/**
 * The only place where Steps become netlink: applies them in order to one device, up to the first failure.
 *
 * @param carryOn goes on after a failure, unless it was that of a move: on the way home whatever can be put
 *   back is put back
 */
export function execute(ends: Ends, start: Subject, steps: readonly Step[], carryOn: boolean): Execution {
  let subject = start;
  let first: StepFailure | null = null;
  let rest = steps;
  while (rest.length > 0) {
    const [step] = rest;
    if (step === undefined) break;
    if (step.type === "move") {
      const moved = move(ends, subject, step);
      if ("failure" in moved) return { ...moved, failure: first ?? moved.failure };
      subject = moved;
      rest = rest.slice(1);
      continue;
    }
    const group = independent(rest);
    const failure =
      step.type === "set-sysctls" || step.type === "set-vlans"
        ? lone(ends, subject, step)
        : applyTogether(connectionOf(ends, subject.place), subject, group);
    if (failure !== null && !carryOn) return { failure, subject };
    first ??= failure;
    if (failure === null) subject = renamed(subject, group);
    rest = rest.slice(group.length);
  }
  return { failure: first, subject };
}

/**
 * The steps from the front that go into one datagram. The kernel carries on after a request that it
 * refused, so a rename or a changed altname, on which others depend, goes alone.
 */
function independent(steps: readonly Step[]): readonly Step[] {
  const end = steps.findIndex((step) => !isIndependent(step));
  return end < 0 ? steps : steps.slice(0, Math.max(end, 1));
}

/** Routes need the addresses before them, and the kernel carries out one after another. */
const INDEPENDENT: ReadonlySet<Step["type"]> = new Set([
  "add-address",
  "delete-address",
  "add-route",
  "add-neighbour",
  "add-group",
  "set-qdisc",
  "delete-route",
]);

function isIndependent(step: Step): boolean {
  // What comes up behind its addresses lacks the routes to their peers.
  if (step.type === "change") return step.change.name === null && step.change.up !== true;
  return INDEPENDENT.has(step.type);
}

function applyTogether(connection: Connection, subject: Subject, steps: readonly Step[]): StepFailure | null {
  const errors = connection.batch(steps.map((step) => requestOf(subject, step)));
  // Of those that the kernel carried out: it goes on after one that it refused.
  const done = steps.filter((_, at) => errors[at] === null);
  const unsettled = settleFlags(connection, subject, done);
  for (const [at, step] of steps.entries()) {
    const refused = errors[at] ?? null;
    const error = changeWhileDown(connection, subject.ifindex, step, refused, aboutOf(subject, step));
    if (error && !(step.type === "add-route" && error.code === "EEXIST")) return failureOf(step, error);
  }
  return unsettled;
}

/**
 * Takes IFA_F_NODAD off again where it was ours alone. Adding with the flag starts no duplicate address
 * detection, and replacing without it starts none either: the address is as it was, and was never doubted.
 */
function settleFlags(connection: Connection, subject: Subject, steps: readonly Step[]): StepFailure | null {
  const added = steps.filter((step) => step.type === "add-address").filter(needsNoDad);
  const requests = added.map((step) =>
    addAddress(subject.ifindex, step.address, true, aboutOf(subject, step)),
  );
  const errors = connection.batch(requests);
  const at = errors.findIndex((error) => error !== null);
  const step = added[at];
  const error = errors[at];
  return step === undefined || !error ? null : failureOf(step, error);
}

function needsNoDad(step: { readonly address: Address; readonly proven: boolean }): boolean {
  return step.proven && step.address.family === "inet6" && (step.address.flags & IFA_F_NODAD) === 0;
}

function requestOf(subject: Subject, step: Step): Request {
  const { ifindex } = subject;
  const about = aboutOf(subject, step);
  switch (step.type) {
    case "move":
    case "set-vlans":
    case "set-sysctls":
      throw new Error(`${step.type} goes alone and not among others`);
    case "change":
      return changeLink(ifindex, step.change, null, about);
    case "set-token":
      return setToken(ifindex, step.token, about);
    case "set-port":
      return changePort(ifindex, step.of, step.settings, about);
    case "add-altname":
      return addAltname(ifindex, step.altname, about);
    case "delete-altname":
      return deleteAltname(ifindex, step.altname, about);
    case "delete-address":
      return deleteAddress(ifindex, step.address, about);
    case "add-neighbour":
      return addNeighbour(ifindex, step.neighbour, about);
    case "add-group":
      return addGroup(step.bridge, ifindex, step.group, about);
    case "set-qdisc":
      return setQdisc(ifindex, step.qdisc, about);
    case "add-route":
      return addRoute(ifindex, step.route, about);
    case "delete-route":
      return deleteRoute(ifindex, step.route, about);
    case "add-address": {
      const flags = needsNoDad(step) ? step.address.flags | IFA_F_NODAD : step.address.flags;
      return addAddress(ifindex, { ...step.address, flags }, false, about);
    }
  }
}

function lone(
  ends: Ends,
  subject: Subject,
  step: Extract<Step, { type: "set-sysctls" | "set-vlans" }>,
): StepFailure | null {
  const connection = connectionOf(ends, subject.place);
  try {
    const error =
      step.type === "set-vlans"
        ? setVlans(connection, subject.ifindex, step.vlans, aboutOf(subject, step))
        : setSysctls({ connection, files: ends.files[subject.place] }, subject, step.sysctls);
    return error && failureOf(step, error);
  } catch (error) {
    // It looks first, and where it may not look nothing is done: where the device is by now is still known here.
    if (!(error instanceof NetlinkError)) throw error;
    return failureOf(step, error);
  }
}

function move(
  ends: Ends,
  subject: Subject,
  step: Extract<Step, { type: "move" }>,
): Subject | (Execution & { failure: StepFailure }) {
  const namespace = ends.fds[step.to];
  if (namespace === null) throw new Error(`${subject.name} cannot be moved to a namespace that is not held`);
  const target = { namespace, newIfindex: step.ifindex };
  // Always with its name: what it was called when it was looked at, it need not be called any more.
  const name = step.change.name ?? subject.name;
  const change = { ...step.change, name };
  const request = changeLink(subject.ifindex, change, target, aboutOf(subject, step));
  try {
    connectionOf(ends, subject.place).request(request);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return { failure: failureOf(step, error), subject: movedAllTheSame(ends, subject, step, name) };
  }
  const moved = arrived(ends, subject, step.to, name, false);
  if (moved !== null) return moved;
  const message = `${aboutOf(subject, step)}: done, says the kernel, and the device is not there`;
  return { failure: { step: stepText(step), errno: null, message }, subject };
}

function renamed(subject: Subject, steps: readonly Step[]): Subject {
  const [step] = steps;
  if (step?.type !== "change" || step.change.name === null) return subject;
  return { ...subject, name: step.change.name };
}

function aboutOf(subject: Subject, step: Step): string {
  return `${subject.name}: ${stepText(step)}`;
}

function failureOf(step: Step, error: { readonly code: string; readonly message: string }): StepFailure {
  return { step: stepText(step), errno: error.code, message: error.message };
}
