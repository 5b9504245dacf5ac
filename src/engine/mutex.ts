/** Lets one at a time through, in the order of asking. */
export interface Mutex {
  run<T>(critical: () => Promise<T>): Promise<T>;
}

/** A free {@link Mutex}. */
export function createMutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(critical) {
      const result = last.then(critical, critical);
      last = result.catch(() => undefined);
      return result;
    },
  };
}
