import { closeFd } from "../../ffi/netns.ts";
import { openPipe, waitForHangup } from "../../ffi/pipe.ts";
import { sendUnixDatagram } from "../../ffi/unix-datagram.ts";
import { createNotifier, type Environment, type Notifier } from "./sd-notify.ts";

/** The {@link Notifier} of this process. */
export function notifierFor(env: Environment): Notifier {
  const pipes = { open: openPipe, waitForHangup, close: closeFd };
  return createNotifier(env, process.pid, sendUnixDatagram, pipes);
}
