import { receiveMessageOnPort } from "node:worker_threads";
import { drainEventfd, PollSet } from "../../ffi/poll.ts";
import { bootTime } from "../../ffi/process.ts";
import { isSystemRefusal, type KernelCalls } from "../engine/kernel.ts";
import { KernelService } from "../engine/kernel-service.ts";
import { createLinux } from "../engine/linux.ts";
import { notice } from "../engine/notice.ts";
import { rehearse } from "../engine/rehearsal.ts";
import { pinsOf } from "./fd-store.ts";
import type { CallMessage, WorkerMessage, WorkerStart } from "./kernel-protocol.ts";

/**
 * The thread that owns the kernel: every netlink socket, every namespace, every setns. It never returns to
 * its event loop: it waits in poll(2) for calls, for changes at home and for processes that end, and takes
 * calls from its port with receiveMessageOnPort(). A move blocks it for some 20 ms, and nobody else.
 */

declare const self: Worker;

/** A tidy-up of what a burst of work has left, once there is none. */
const QUIET_MS = 2000;

/** A few are enough: each goes through all processes. */
const SEARCHES = 5;

self.onmessage = ({ data }: MessageEvent<WorkerStart>) => {
  const { port } = data;
  const post = (message: WorkerMessage) => port.postMessage(message);
  try {
    serve(data, post);
  } catch (error) {
    post({ type: "fatal", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};

function serve({ port, wakeFd, holding }: WorkerStart, post: (message: WorkerMessage) => void): void {
  const linux = createLinux();
  using service = new KernelService(linux, (news) => post({ type: "news", news }), pinsOf(holding));
  rehearse(service, process.pid, bootTime());
  // Compiled by that: where a namespace is about to end, it has to be found in a millisecond.
  for (let round = 0; round < SEARCHES; round++) for (const _ of linux.namespaces());
  post({ type: "ready" });
  let worked = false;
  for (;;) {
    const ready = wait(service, wakeFd, worked ? QUIET_MS : -1);
    if (ready.length === 0 && worked) {
      Bun.gc(true);
      worked = false;
      continue;
    }
    worked = true;
    service.chase();
    if (ready.includes(service.monitorFd)) notice(service);
    if (ready.some((fd) => ![wakeFd, service.monitorFd, service.departuresFd].includes(fd))) service.reap();
    if (!ready.includes(wakeFd)) continue;
    drainEventfd(wakeFd);
    for (let call = nextCall(port); call !== null; call = nextCall(port)) {
      answer(service, call, post);
      // Calls may follow one another for seconds, and a namespace may end in milliseconds.
      service.chase();
      service.verify();
    }
  }
}

function wait(service: KernelService, wakeFd: number, timeout: number): number[] {
  const set = new PollSet();
  set.add(wakeFd);
  set.add(service.monitorFd);
  set.add(service.departuresFd);
  for (const pidfd of service.pidfds.values()) set.add(pidfd);
  return set.wait(timeout);
}

/** The next call that has been posted, or null. Only our own main thread has the port's other end. */
function nextCall(port: MessagePort): CallMessage | null {
  const received: { readonly message: CallMessage } | undefined = receiveMessageOnPort(port);
  return received?.message ?? null;
}

function answer(service: KernelCalls, call: CallMessage, post: (message: WorkerMessage) => void): void {
  try {
    post({ type: "result", id: call.id, value: invoke(service, call) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    post({ type: "error", id: call.id, message, isRefusal: isSystemRefusal(error) });
  }
}

function invoke(service: KernelCalls, { name, args }: CallMessage): unknown {
  return Reflect.apply(service[name], service, args);
}
