import { readdirSync, readFileSync } from "node:fs";
import { namespaceLink } from "../../ffi/netns.ts";
import { mountedNamespaces } from "./mounted-namespaces.ts";

/**
 * Paths that lead to network namespaces, one for each, as they are found: by the processes that are in them, what
 * started last first, for a namespace that is looked for is young as a rule; then by what is mounted here; and then
 * by what is mounted in other mount namespaces, as `ip netns add` does it inside a container.
 *
 * @param own as {@link namespaceLink} spells it: it is left out
 */
export function* waysToNamespaces(own: string): Generator<string> {
  const seen = new Set([own]);
  const pids = processes();
  for (const pid of pids) {
    const path = `/proc/${pid}/ns/net`;
    const namespace = linkAt(path);
    if (namespace === null || seen.has(namespace)) continue;
    seen.add(namespace);
    yield path;
  }
  const looked = new Set<string>();
  for (const pid of ["thread-self", ...pids]) {
    const mounts = linkAt(`/proc/${pid}/ns/mnt`);
    if (mounts === null || looked.has(mounts)) continue;
    looked.add(mounts);
    for (const [namespace, path] of mountedIn(pid)) {
      if (seen.has(namespace)) continue;
      seen.add(namespace);
      yield pid === "thread-self" ? path : `/proc/${pid}/root${path}`;
    }
  }
}

function processes(): string[] {
  const numbers = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  return numbers.sort((a, b) => b - a).map(String);
}

/** null: the process has ended since the folder was read. */
function linkAt(path: string): string | null {
  try {
    return namespaceLink(path);
  } catch {
    return null;
  }
}

function mountedIn(pid: string): ReturnType<typeof mountedNamespaces> {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
  } catch {
    // The process has ended since the folder was read.
    return [];
  }
  return mountedNamespaces(text);
}
