import { isSystemRefusal, type Kernel, type KernelCalls, KernelError } from "./kernel.ts";

/** A {@link Kernel} that carries out its calls on the calling thread: for one-off commands and for tests. */
export function localKernel(calls: KernelCalls): Kernel {
  // Each in a turn of its own, as from another thread.
  const turn = async <T>(call: () => T): Promise<T> => {
    await Promise.resolve();
    try {
      return call();
    } catch (error) {
      throw isSystemRefusal(error) ? new KernelError(error.message, { cause: error }) : error;
    }
  };
  return {
    homeCookie: () => turn(() => calls.homeCookie()),
    open: (...args) => turn(() => calls.open(...args)),
    openPinned: (...args) => turn(() => calls.openPinned(...args)),
    openFound: (...args) => turn(() => calls.openFound(...args)),
    pin: (...args) => turn(() => calls.pin(...args)),
    listen: (...args) => turn(() => calls.listen(...args)),
    unpinOthers: (...args) => turn(() => calls.unpinOthers(...args)),
    unaccounted: (...args) => turn(() => calls.unaccounted(...args)),
    close: (...args) => turn(() => calls.close(...args)),
    unpin: (...args) => turn(() => calls.unpin(...args)),
    unwatch: (...args) => turn(() => calls.unwatch(...args)),
    survey: (...args) => turn(() => calls.survey(...args)),
    locate: (...args) => turn(() => calls.locate(...args)),
    follow: (...args) => turn(() => calls.follow(...args)),
    apply: (...args) => turn(() => calls.apply(...args)),
    devices: () => turn(() => calls.devices()),
    inventory: (...args) => turn(() => calls.inventory(...args)),
  };
}
