import type { Pins } from "../../../src/engine/pins.ts";
import { hold, letGo } from "./lifetime.ts";
import type { Namespace } from "./namespaces.ts";
import type { World } from "./world.ts";

const FOLDER = "/run/netdevd/state/pins/";

/** The file on which a namespace is pinned. */
export function pinOf({ cookie }: Namespace): string {
  return `${FOLDER}${cookie}`;
}

/** Pins of the model: bind mounts, which outlive the daemon that made them. */
export function modelPins(world: World, namespaceOf: (fd: number) => Namespace): Pins {
  const path = (cookie: string) => FOLDER + cookie;
  const unpin = (cookie: string) => {
    const namespace = world.files.get(path(cookie));
    world.files.delete(path(cookie));
    if (namespace) letGo(world, namespace);
  };
  return {
    path,
    has: (cookie) => world.files.has(path(cookie)),
    pin(cookie, fd) {
      const namespace = namespaceOf(fd);
      hold(namespace);
      unpin(cookie);
      world.files.set(path(cookie), namespace);
      return null;
    },
    unpin,
    list: () =>
      Array.from(world.files.keys())
        .filter((file) => file.startsWith(FOLDER))
        .map((file) => file.slice(FOLDER.length)),
  };
}
