/** How long {@link until} waits where the caller does not say, milliseconds. */
const PATIENCE = 10_000;
const PAUSE = 4;
/** How many times longer all of that is where the machine is slow: a guest without KVM. */
const SLOWNESS = Number(process.env.TEST_PATIENCE ?? "1");

/**
 * Asks `probe` again and again until it gives something, and hands that back.
 *
 * `undefined` and `false` mean "not yet". When time is up, the error names `what` was waited for, with
 * `detail` of how things stood.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  options: { readonly within?: number; readonly detail?: () => string | Promise<string> } = {},
): Promise<Exclude<T, undefined | false>> {
  const within = (options.within ?? PATIENCE) * SLOWNESS;
  const end = performance.now() + within;
  for (;;) {
    const found = await probe();
    if (isThere(found)) return found;
    if (performance.now() > end) {
      const detail = (await options.detail?.()) ?? "";
      throw new Error(`waited ${within} ms in vain for ${what}${detail === "" ? "" : `\n${detail}`}`);
    }
    await Bun.sleep(PAUSE * SLOWNESS);
  }
}

function isThere<T>(value: T): value is Exclude<T, undefined | false> {
  return value !== undefined && value !== false;
}
