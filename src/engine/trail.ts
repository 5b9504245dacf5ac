import type { Trail } from "./by-number.ts";
import type { Namespaces } from "./namespaces.ts";
import type { System } from "./system.ts";
import type { Take } from "./take.ts";
import { examine } from "./target.ts";

/** What following a device takes, over a System. */
export function trailOver(system: System, namespaces: Namespaces, take: Take): Trail {
  return {
    homeFd: system.homeFd,
    get: (cookie) => namespaces.get(cookie),
    close: (cookie) => namespaces.letGo(cookie),
    openPath(path) {
      const examined = examine(system, { by: "netns", path }, system.bootTime());
      return examined.ok ? take(examined) : examined;
    },
    paths: () => system.namespaces(),
    held: () => namespaces.held(),
    again: (cookie) => namespaces.again(cookie),
    look(path) {
      const fd = system.openNamespace(path);
      return typeof fd === "number" ? fd : null;
    },
    pass: (fd) => system.close(fd),
    take: (namespace, text) => take({ ok: true, namespace, process: null, text }),
  };
}
