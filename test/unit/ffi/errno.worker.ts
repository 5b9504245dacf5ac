import { SyscallError } from "../../../ffi/errno.ts";
import { openReadOnly } from "../../../ffi/netns.ts";

declare const self: Worker;

/** Fails `times` times with ENOENT and answers how often that was told as something else. */
self.onmessage = ({ data: times }) => {
  let wrong = 0;
  for (let time = 0; time < Number(times); time++) {
    try {
      openReadOnly("/nowhere/to/be/found");
      wrong++;
    } catch (error) {
      if (!(error instanceof SyscallError && error.code === "ENOENT")) wrong++;
    }
    if (time % 500 === 0) Bun.gc(true);
  }
  self.postMessage(wrong);
};
