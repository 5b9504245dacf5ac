import { SyscallError } from "../../../ffi/errno.ts";
import { monotonicTime } from "../../../ffi/process.ts";
import type { LinkMonitor } from "../../engine/system.ts";
import { DecodeError } from "../../netlink/decode-error.ts";
import { decodeLink } from "../../netlink/link.ts";
import { decodeMessages } from "../../netlink/message.ts";
import { RTM_DELLINK, RTM_NEWLINK } from "../../netlink/uapi.ts";

/** What the kernel told of one device at home. */
export interface LinkNews {
  /** CLOCK_MONOTONIC, milliseconds. */
  readonly at: number;
  readonly ifindex: number;
  /** It is in this namespace no more. */
  readonly gone: boolean;
  readonly operstate: string;
}

/** Nobody's drill takes that many; a host where links come and go does while `--stay` lasts. */
const KEPT = 10_000;
/** struct ifinfomsg, ifi_family: RTM_DELLINK of AF_BRIDGE is the end of a port, and not of its device. */
const AF_UNSPEC = 0;

/** CLOCK_MONOTONIC, milliseconds: the same in every process. */
export function now(): number {
  return Number(monotonicTime()) / 1000;
}

/** Notes what the kernel tells of links, with the time at which it was heard. */
export function createTimeline(monitor: LinkMonitor): {
  /** Notes what is there to be heard. */
  listen(): void;
  readonly news: readonly LinkNews[];
} {
  const news: LinkNews[] = [];
  function note(datagram: Uint8Array): void {
    const at = now();
    for (const { type, payload } of decodeMessages(datagram)) {
      if (payload[0] !== AF_UNSPEC || (type !== RTM_NEWLINK && type !== RTM_DELLINK)) continue;
      const { ifindex, operstate } = decodeLink(payload);
      if (news.length < KEPT) news.push({ at, ifindex, gone: type === RTM_DELLINK, operstate });
    }
  }
  return {
    news,
    listen() {
      try {
        for (let datagram = monitor.next(); datagram !== null; datagram = monitor.next()) note(datagram);
      } catch (error) {
        // An overrun (ENOBUFS) or a message that is none of ours costs a time, and nothing else.
        if (!(error instanceof SyscallError || error instanceof DecodeError)) throw error;
      }
    },
  };
}

/** How long the host was without a device, milliseconds; null: nobody has heard it. */
export interface Times {
  /** From the moment that it was in the host's namespace no more to the one that it was again. */
  readonly gone: number | null;
  /** Without a carrier; null too where it had none before, or has none yet. */
  readonly withoutCarrier: number | null;
}

/**
 * What the news say of one device.
 *
 * @param was its number before, and whether it had a carrier
 * @param is its number after
 */
export function timesOf(
  news: readonly LinkNews[],
  was: { readonly ifindex: number; readonly hadCarrier: boolean },
  is: number,
): Times {
  const left = news.find(({ ifindex, gone }) => gone && ifindex === was.ifindex);
  const back = news.find(({ at, ifindex, gone }) => !gone && ifindex === is && at >= (left?.at ?? Infinity));
  if (left === undefined || back === undefined) return { gone: null, withoutCarrier: null };
  // A device is taken down before it leaves.
  const lost = news.find(
    ({ at, ifindex, gone, operstate }) =>
      ifindex === was.ifindex && at <= left.at && (gone || operstate !== "up"),
  );
  const up = news.find(
    ({ at, ifindex, gone, operstate }) => ifindex === is && at >= back.at && !gone && operstate === "up",
  );
  const carrier = was.hadCarrier && lost !== undefined && up !== undefined;
  return { gone: back.at - left.at, withoutCarrier: carrier ? up.at - lost.at : null };
}
