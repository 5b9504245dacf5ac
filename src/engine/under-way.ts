import type { Context } from "./context.ts";

/** A container that joins what is in its namespace, or is told anew that it has it. */
export interface Joining {
  readonly cookie: string;
  readonly end: Promise<unknown>;
}

/**
 * Has everybody know that something is being done with an Attachment until that has ended: nobody else is to come between.
 *
 * @returns what comes of it
 */
export function underWayWith<T>({ underWay }: Context, key: number, work: Promise<T>): Promise<T> {
  const entry = work.finally(() => {
    if (underWay.get(key) === entry) underWay.delete(key);
  });
  underWay.set(key, entry);
  return entry;
}

/** Has whoever takes something from a namespace know that a container is just being told that it has that. */
export function joiningIn<T>({ joining }: Context, cookie: string, work: Promise<T>): Promise<T> {
  const end = work.finally(() => joining.delete(entry));
  const entry: Joining = { cookie, end };
  joining.add(entry);
  return end;
}

/** What is under way in these namespaces. */
export function changesIn(
  { registry, underWay, joining }: Context,
  cookies: ReadonlySet<string>,
): Promise<unknown>[] {
  const changes = Array.from(cookies)
    .flatMap(registry.inNamespace)
    .flatMap(({ key }) => underWay.get(key) ?? []);
  const joins = Array.from(joining).flatMap(({ cookie, end }) => (cookies.has(cookie) ? end : []));
  return [...changes, ...joins];
}
