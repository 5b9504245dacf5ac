import { checked, libc } from "../../ffi/libc.ts";
import { openOwnNamespace } from "../../ffi/netns.ts";
import { windows } from "./netns-window.scenario.ts";

declare const self: Worker;

const CLONE_NEWNET = 0x40000000;

self.onmessage = async ({ data: { what, target } }) => {
  if (what === "stay") {
    checked("setns", libc.setns(target, CLONE_NEWNET));
    self.postMessage({});
    return;
  }
  // The fd of this thread's own namespace, as a Worker that owns the kernel takes it.
  self.postMessage(await windows(target, openOwnNamespace()));
};
