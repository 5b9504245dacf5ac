import { struct } from "../../ffi/layout.ts";
import type { Qdisc } from "../domain/qdisc.ts";
import { asciiz, attributes, raw } from "./attribute.ts";
import type { Request } from "./connection.ts";
import { family } from "./family.ts";
import { NLM_F_CREATE, NLM_F_ECHO, NLM_F_REPLACE, RTM_GETQDISC, RTM_NEWQDISC } from "./uapi.ts";

/** struct tcmsg (linux/rtnetlink.h); the pads are written out. */
export const tcmsg = struct("tcmsg", {
  tcm_family: "u8",
  tcm__pad1: "u8",
  tcm__pad2: "u16",
  tcm_ifindex: "i32",
  tcm_handle: "u32",
  tcm_parent: "u32",
  tcm_info: "u32",
});

/** TCA_* (linux/rtnetlink.h). */
export const TCA = attributes({ TCA_KIND: [1, asciiz], TCA_OPTIONS: [2, raw] });

/** RTM_NEWQDISC, RTM_GETQDISC. */
export const qdiscMessage = family(tcmsg, TCA);

/** TC_H_ROOT, TC_H_INGRESS (linux/pkt_sched.h). */
const PARENTS = { root: 0xffffffff, ingress: 0xfffffff1 } as const;

/**
 * Reads the qdisc at the root of a device, or that of its ingress; EINVAL or ENOENT where it has none of its own.
 *
 * The answer goes to those who listen to RTNLGRP_TC, and to whoever asks only with NLM_F_ECHO (qdisc_get_notify());
 * a dump would be of all devices.
 */
export function getQdisc(ifindex: number, where: keyof typeof PARENTS): Request {
  const header = { tcm_ifindex: ifindex, tcm_parent: PARENTS[where] };
  return qdiscMessage.request(
    RTM_GETQDISC,
    NLM_F_ECHO,
    header,
    {},
    `look at the ${where} qdisc of device ${ifindex}`,
  );
}

/** Puts a qdisc at the root of a device in place of the one that is there. */
export function setQdisc(ifindex: number, qdisc: Qdisc, about: string): Request {
  const header = { tcm_ifindex: ifindex, tcm_handle: qdisc.handle, tcm_parent: PARENTS.root };
  const values = { TCA_KIND: qdisc.kind, TCA_OPTIONS: Uint8Array.fromHex(qdisc.options) };
  return qdiscMessage.request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, header, values, about);
}

/** The qdisc that an RTM_NEWQDISC tells of; null for one that the kernel chose: it has no handle. */
export function decodeQdisc(payload: Uint8Array): Qdisc | null {
  const { header, values } = qdiscMessage.decode(payload);
  if (header.tcm_handle === 0 || values.TCA_KIND === undefined) return null;
  const options = values.TCA_OPTIONS?.toHex() ?? "";
  return { kind: values.TCA_KIND, handle: header.tcm_handle, options };
}
