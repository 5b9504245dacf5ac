import { closeFd } from "../../ffi/netns.ts";
import { signalEventfd } from "../../ffi/poll.ts";
import { openEventfd } from "../../ffi/process.ts";
import { type Kernel, type KernelCalls, KernelError, type KernelNews } from "../engine/kernel.ts";
import type { Holding } from "./fd-store.ts";
import type { CallMessage, WorkerMessage, WorkerStart } from "./kernel-protocol.ts";

/** The kernel worker cannot go on, or a call failed by a fault of ours. */
export class KernelWorkerError extends Error {
  override readonly name = "KernelWorkerError";
}

/** A kernel worker under way. */
export interface KernelClient extends Disposable {
  readonly kernel: Kernel;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * Starts the kernel worker in the network namespace that this process is in.
 *
 * @param holding how namespaces are held over the death of this process
 * @param onNews told in the order in which the worker told, before the answers that came later
 * @param onFatal the worker is gone; nothing will ever be answered again
 */
export async function startKernel(
  holding: Holding,
  onNews: (news: KernelNews) => void,
  onFatal: (error: KernelWorkerError) => void,
): Promise<KernelClient> {
  const wakeFd = openEventfd();
  const { port1: port, port2 } = new MessageChannel();
  const worker = new Worker(new URL("./kernel-worker.ts", import.meta.url).href, { smol: true });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  const ready = Promise.withResolvers<void>();

  function fail(message: string): void {
    const error = new KernelWorkerError(message);
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    ready.reject(error);
    onFatal(error);
  }

  function receive(message: WorkerMessage): void {
    if (message.type === "ready") ready.resolve();
    else if (message.type === "news") onNews(message.news);
    else if (message.type === "fatal") fail(message.message);
    else {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.type === "result") call?.resolve(message.value);
      else if (message.isRefusal) call?.reject(new KernelError(message.message));
      else call?.reject(new KernelWorkerError(message.message));
    }
  }

  port.onmessage = (event) => receive(event.data);
  worker.onerror = (event) => fail(event.message);
  const start: WorkerStart = { port: port2, wakeFd, holding };
  worker.postMessage(start, [port2]);
  await ready.promise;

  function call<Name extends keyof KernelCalls>(
    name: Name,
    args: Parameters<KernelCalls[Name]>,
  ): Promise<ReturnType<KernelCalls[Name]>> {
    lastId += 1;
    const message: CallMessage = { id: lastId, name, args };
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<KernelCalls[Name]>>();
    // The worker answers a call with what that call returns; structured cloning keeps plain data as it is.
    waiting.set(lastId, { resolve: (value) => resolve(value as ReturnType<KernelCalls[Name]>), reject });
    port.postMessage(message);
    signalEventfd(wakeFd);
    return promise;
  }

  return {
    kernel: {
      homeCookie: (...args) => call("homeCookie", args),
      open: (...args) => call("open", args),
      openPinned: (...args) => call("openPinned", args),
      openFound: (...args) => call("openFound", args),
      pin: (...args) => call("pin", args),
      listen: (...args) => call("listen", args),
      unpinOthers: (...args) => call("unpinOthers", args),
      unaccounted: (...args) => call("unaccounted", args),
      close: (...args) => call("close", args),
      unpin: (...args) => call("unpin", args),
      unwatch: (...args) => call("unwatch", args),
      survey: (...args) => call("survey", args),
      locate: (...args) => call("locate", args),
      follow: (...args) => call("follow", args),
      apply: (...args) => call("apply", args),
      devices: (...args) => call("devices", args),
      inventory: (...args) => call("inventory", args),
    },
    [Symbol.dispose]() {
      worker.terminate();
      port.close();
      closeFd(wakeFd);
    },
  };
}
