import { namespacesOf } from "../domain/attachment.ts";
import { type Context, unwatch } from "./context.ts";
import type { Opened } from "./kernel.ts";

/**
 * Lets go of a namespace once. Where its pin cannot be taken away, that alone holds it on, with all that is in it:
 * it is told, and {@link unpinLeft} tries again.
 */
export async function close(context: Context, cookie: string): Promise<void> {
  const { kernel, leftPinned, log } = context;
  try {
    await kernel.close(cookie, isNeeded(context, cookie));
  } catch (error) {
    const isNew = !leftPinned.has(cookie);
    leftPinned.add(cookie);
    const message = `namespace ${cookie} is held on, with no device of ours in it: ${error}; it is tried again by itself`;
    if (isNew) log("warning", message, {});
  }
}

/** Lets go of a namespace and of the process that led there. */
export async function letGoOf(context: Context, held: Extract<Opened, { ok: true }>): Promise<void> {
  if (held.process !== null) await unwatch(context, held.process.watch);
  await close(context, held.cookie);
}

/** Tries again to take away the pins that were left, those aside that are needed by now. */
export async function unpinLeft(context: Context): Promise<void> {
  const { kernel, leftPinned, log } = context;
  for (const cookie of Array.from(leftPinned)) {
    if (isNeeded(context, cookie)) continue;
    const isGone = await kernel.unpin(cookie).catch(() => false);
    if (isGone && leftPinned.delete(cookie)) log("info", `namespace ${cookie} is let go of`, {});
  }
}

/** Whoever could not be looked at yet has its devices there all the same, and finds them by the pin alone. */
function isNeeded({ registry, unexamined }: Context, cookie: string): boolean {
  if (unexamined.size === 0) return false;
  return registry.all().some((one) => unexamined.has(one.key) && namespacesOf(one).includes(cookie));
}
