import type { ErrnoCode } from "../sim/model/refusal.ts";
import type { Effect, Fault, How } from "./injector.ts";

/** How each kind of effect fails in the field, and with what. */
const PLAUSIBLE: Readonly<Record<Effect["kind"], readonly (readonly [How, readonly ErrnoCode[]])[]>> = {
  request: [
    ["refuse", ["EPERM", "EBUSY", "EEXIST", "ENODEV", "EINVAL", "ENOMEM"]],
    ["send", ["ENOBUFS", "EINTR"]],
    ["lose", ["ENOBUFS", "EIO"]],
  ],
  question: [
    ["refuse", ["ENOMEM"]],
    ["lose", ["ENOBUFS"]],
  ],
  journal: [["fail", ["ENOSPC", "EIO"]]],
  pin: [["fail", ["EPERM", "ENOMEM", "ENOSPC"]]],
  unpin: [["fail", ["EPERM", "EBUSY", "EIO"]]],
  enter: [["fail", ["EPERM", "EMFILE", "ENOBUFS", "ENOMEM"]]],
  open: [["fail", ["EMFILE", "ENOMEM", "EPERM"]]],
  sysctl: [["fail", ["EPERM", "EINVAL", "EIO"]]],
  pidfd: [["fail", ["EMFILE", "ENOMEM"]]],
};

/** Every fault that can hit a run of these effects, each by itself. */
export function faultsOf(effects: readonly Effect[]): Fault[] {
  return effects.flatMap((effect, index): Fault[] => {
    const at = index + 1;
    const failing = PLAUSIBLE[effect.kind].flatMap(([how, codes]) => {
      // Of a datagram as a whole: once.
      if ((how === "send" || how === "lose") && !effect.leads) return [];
      return codes.map((code): Fault => ({ at, how, code }));
    });
    if (!effect.leads || effect.kind === "question") return failing;
    return [...failing, { at, how: "kill", code: null }, { at, how: "kill-after", code: null }];
  });
}

/** A fault for a person: `the 7th effect, RTM_NEWLINK: refuse EBUSY`. */
export function faultText(effects: readonly Effect[], { at, how, code }: Fault): string {
  return `effect ${at}, ${effects[at - 1]?.what}: ${how}${code === null ? "" : ` ${code}`}`;
}
